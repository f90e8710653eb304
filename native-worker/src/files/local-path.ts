/** Paths as people write them: in their home, as an address, or beside the file that names them. */
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { MeshError } from '@llmesh/core/base/errors';
import { homeFolder } from './home-folder.ts';

/**
 * `~/…` where no shell has read it, and `file://…`, as the paths that they stand for; anything else as it is. Throws
 * model_not_found for an address that is no path here.
 */
export function localPath(text: string): string {
  if (text === '~' || /^~[/\\]/.test(text)) return path.join(homeFolder(), text.slice(1));
  if (!/^file:/i.test(text)) return text;
  try {
    return fileURLToPath(text);
  } catch {
    throw new MeshError(
      'model_not_found',
      `${text} is not a path of this computer. Write file:///, or the path itself.`,
    );
  }
}

/** Like `localPath`, but a relative path is in `folder`. */
export function pathIn(folder: string, text: string): string {
  const local = localPath(text);
  return LOOKS_LIKE_PATH.test(local) && !IS_SOURCE.test(local) ? path.resolve(folder, local) : local;
}

/** Ids of the catalogue contain nothing of the kind. */
const LOOKS_LIKE_PATH = /[/\\]|\.gguf$/i;
const IS_SOURCE = /^(?:hf:|mesh:|https?:\/\/)/i;
