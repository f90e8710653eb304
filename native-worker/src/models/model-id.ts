/**
 * The id of a file that no catalogue knows, made from its name. Ids are ASCII: they stand in addresses, in settings and on
 * command lines. A name in other letters, which are lost, is kept apart by the beginning of the file's hash.
 */
import { isModelId, type ModelId } from '@llmesh/core/base/ids';

const MAX_CHARACTERS = 96;
const HASH_DIGITS = 8;
/** Letters that are still not ASCII once accents are stripped and ligatures resolved. */
const OTHER_LETTERS = /[^\p{ASCII}\p{P}\p{Z}\p{C}\p{M}]/u;

/** `base`: the name without its ending. `sha256`: the file's, in hex. */
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
