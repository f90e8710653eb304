/** The catalogue and the models that come with LLMesh, in the repository and in the installed package. */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseCatalogue, type Catalogue } from '@llmesh/core/policy/catalogue';
import { MeshError } from '@llmesh/core/base/errors';

/** It lies beside this package in the repository, and inside a published package. */
const FOLDERS = ['../../../models/', '../../models/'].map((folder) => fileURLToPath(new URL(folder, import.meta.url)));

export function modelsFolder(): string {
  const found = FOLDERS.find((folder) => existsSync(path.join(folder, 'catalogue.json')));
  if (found === undefined) {
    throw new MeshError('model_not_found', 'The catalogue of models is missing. Install LLMesh again.');
  }
  return found;
}

export async function readCatalogue(folder: string): Promise<Catalogue> {
  const file = path.join(folder, 'catalogue.json');
  try {
    return parseCatalogue(JSON.parse(await readFile(file, 'utf8')));
  } catch (cause) {
    throw new MeshError(
      'model_unreadable',
      `The catalogue ${file} cannot be read. Restore it, or install LLMesh again.`,
      {
        cause,
      },
    );
  }
}
