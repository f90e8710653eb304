/** The catalogue that the mesh's operator offers: which model an id means, and what it is called. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { parseCatalogue, type Catalogue } from '@llmesh/core/policy/catalogue';

const NONE: Catalogue = { models: [] };

/** `folder`: as it is served under `/models`; null: nothing is. Without one that can be read, no id means a certain file. */
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
