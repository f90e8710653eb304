/** A checkpoint, C2SP tlog-checkpoint: how large a log is, and the hash of all that is in it. */
import { readHash, toBase64 } from '../base/base64.ts';
import { readDecimal } from '../base/decimal.ts';
import { HASH_BYTES } from '../base/hashing.ts';
import type { NoteSigner } from './key.ts';
import { signText, writeNote } from './note.ts';
import { isNoteText } from '../base/text.ts';

export interface Checkpoint {
  /** Which log it is: the first line. */
  readonly origin: string;
  /** How many leaves it has. */
  readonly size: number;
  readonly root: Uint8Array;
  /** Further lines, which nobody audits: a log does better without. */
  readonly extensions: readonly string[];
}

/** The text of a note. Null: it is no checkpoint. */
export function readCheckpoint(text: string): Checkpoint | null {
  if (!text.endsWith('\n') || !isNoteText(text)) return null;
  const [origin = '', size = '', root = '', ...extensions] = text.slice(0, -1).split('\n');
  const leaves = readDecimal(size);
  const hash = readHash(root);
  if (origin === '' || leaves === null || hash === null || extensions.includes('')) return null;
  return { origin, size: leaves, root: hash, extensions };
}

/** Throws for what could not be read again. */
export function writeCheckpoint({ origin, size, root, extensions }: Checkpoint): string {
  const lines = [origin, ...extensions];
  if (lines.some((line) => line === '' || line.includes('\n') || !isNoteText(line))) {
    throw new RangeError('A line of a checkpoint has at least one character, and no control characters.');
  }
  if (!Number.isSafeInteger(size) || size < 0 || root.byteLength !== HASH_BYTES) {
    throw new RangeError('A checkpoint has a whole number of leaves, and a hash of 32 bytes.');
  }
  return `${[origin, size, toBase64(root), ...extensions].join('\n')}\n`;
}

/** The signed note, as a log serves it. `nowS`: seconds since 1970, for keys that sign the time with it. */
export async function signCheckpoint(checkpoint: Checkpoint, signer: NoteSigner, nowS: number): Promise<string> {
  const text = writeCheckpoint(checkpoint);
  return writeNote({ text, signatures: [await signText(text, signer, nowS)] });
}
