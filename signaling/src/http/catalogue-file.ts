/** The catalogue of the mesh's operator: which model an id means, and what it is called. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { parseCatalogue, type Catalogue } from '@llmesh/core/policy/catalogue';

const NONE: Catalogue = { models: [] };

/** `folder`: served under `/models`; null: none is. Without a readable catalogue, no id means a particular file. */
export async function readCatalogue(folder: string | null, log: Logger): Promise<Catalogue> {
  if (folder === null) return NONE;
  const file = join(folder, 'catalogue.json');
  try {
    return parseCatalogue(JSON.parse(await readFile(file, 'utf8')));
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return NONE;
    log.warn({ err: error, file }, 'the catalogue cannot be read: no model will be recognised by its file');
    return NONE;
  }
}
