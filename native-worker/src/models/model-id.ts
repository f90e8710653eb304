/**
 * The id of a file that no catalogue knows, made of its name. Ids are ASCII: they stand in addresses, in settings and on
 * command lines. Of a name in other letters, which would be lost, the beginning of the file's hash keeps it apart.
 */
import { isModelId, type ModelId } from '@llmesh/core/base/ids';

const MAX_CHARACTERS = 96;
const HASH_DIGITS = 8;
/** What is left when accents were taken off, ligatures resolved, and still is none of ASCII. */
const OTHER_LETTERS = /[^\p{ASCII}\p{P}\p{Z}\p{C}\p{M}]/u;

/** `base`: the name without its ending. `sha256`: of the file, hex. */
export function modelIdOf(base: string, sha256: string): ModelId {
  const plain = base.normalize('NFKD').replaceAll(/(?<=[A-Za-z])\p{M}+/gu, '');
  const id = plain
    .replaceAll(/[^A-Za-z0-9._-]+/g, '-')
    .replaceAll(/-{2,}/g, '-')
    .replace(/^[^A-Za-z0-9]+/, '')
    .slice(0, MAX_CHARACTERS)
    .replace(/-+$/, '');
  if (!OTHER_LETTERS.test(plain) && isModelId(id)) return id;
  const short = id.slice(0, MAX_CHARACTERS - HASH_DIGITS - 1).replace(/-+$/, '') || 'model';
  return `${short}-${sha256.slice(0, HASH_DIGITS)}` as ModelId;
}
