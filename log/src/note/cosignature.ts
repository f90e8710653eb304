/**
 * What a witness signs, C2SP tlog-cosignature with Ed25519: the checkpoint's text, and when it was the largest that the
 * witness had seen of this log.
 */
import { concatBytes } from '@noble/hashes/utils.js';
import { SIGNATURE_BYTES } from '../base/ed25519.ts';
import { utf8 } from '../base/text.ts';

const TIME_BYTES = 8;

/** The message under the signature. `text`: the checkpoint's, to its last newline. */
export function cosignedText(text: string, timeS: number): Uint8Array {
  return utf8(`cosignature/v1\ntime ${timeS}\n${text}`);
}

/** The time as eight bytes, big-endian, and the signature. */
export function writeCosignature(timeS: number, signature: Uint8Array): Uint8Array {
  if (!Number.isSafeInteger(timeS) || timeS <= 0) throw new RangeError('The time of a cosignature is a whole number.');
  const stamp = new Uint8Array(TIME_BYTES);
  new DataView(stamp.buffer).setBigUint64(0, BigInt(timeS));
  return concatBytes(stamp, signature);
}

/** Null: it has another length, no time, or one after the end of exact numbers. */
export function readCosignature(bytes: Uint8Array): { timeS: number; bytes: Uint8Array } | null {
  if (bytes.byteLength !== TIME_BYTES + SIGNATURE_BYTES) return null;
  const timeS = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0));
  // A time of zero says nothing about the largest tree; a checkpoint's cosignature has one.
  return Number.isSafeInteger(timeS) && timeS > 0 ? { timeS, bytes: bytes.subarray(TIME_BYTES) } : null;
}
