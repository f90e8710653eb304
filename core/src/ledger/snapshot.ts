/** A state as lines of text, by which it is carried elsewhere, and compared. The same state always reads the same. */
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex } from '@noble/hashes/utils.js';
import { MeshError } from '../base/errors.ts';
import type { LedgerState, StateValue } from './state.ts';

/** The longest line: the slashes of one peer for one file, or the days on which it earned. */
export const MAX_LINE_CHARS = 16_384;
const MAX_KEY_CHARS = 160;
/** Lists in lists: no value of a state is deeper. */
const MAX_DEPTH = 3;

/** One line a key, in the order of the keys, without line ends. */
export function* snapshot(state: LedgerState): Generator<string> {
  for (const key of state.keys('')) yield JSON.stringify([key, state.get(key)!]);
}

/** Into an empty state. Throws bad_message at a line that `snapshot` would not have written; then it is of no use. */
export async function restore(lines: AsyncIterable<string> | Iterable<string>, state: LedgerState): Promise<void> {
  let before = '';
  for await (const line of lines) {
    const [key, value] = read(line);
    if (key <= before) throw unreadable();
    state.set(key, value);
    before = key;
  }
}

/** SHA-256 over all lines, in hex: two states are equal when theirs are. */
export function digestOf(state: LedgerState): string {
  const hash = sha256.create();
  const encoder = new TextEncoder();
  for (const line of snapshot(state)) hash.update(encoder.encode(`${line}\n`));
  return bytesToHex(hash.digest());
}

function read(line: string): [string, StateValue] {
  if (line.length > MAX_LINE_CHARS) throw unreadable();
  let parsed: unknown;
  try {
    parsed = JSON.parse(line);
  } catch (cause) {
    throw unreadable(cause);
  }
  if (!Array.isArray(parsed) || parsed.length !== 2) throw unreadable();
  const [key, value] = parsed as unknown[];
  if (typeof key !== 'string' || key.length > MAX_KEY_CHARS || !isStateValue(value)) throw unreadable();
  if (JSON.stringify([key, value]) !== line) throw unreadable();
  return [key, value];
}

function isStateValue(value: unknown, depth = 0): value is StateValue {
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return true;
  if (typeof value === 'number') return Number.isSafeInteger(value);
  return Array.isArray(value) && depth < MAX_DEPTH && value.every((one) => isStateValue(one, depth + 1));
}

function unreadable(cause?: unknown): MeshError {
  return new MeshError('bad_message', 'This copy of the ledger is damaged. Get another one, or recount the log.', {
    cause,
  });
}
