/**
 * The price of joining: hashing, once per identity; how much is the server's choice, from milliseconds to minutes. We seek a
 * number that gives SHA-256(purpose | challenge | public key | number as 8 bytes) enough leading zero bits.
 */
import { sha256 } from '@noble/hashes/sha2.js';
import { concatBytes } from '@noble/hashes/utils.js';
import { realClock, type Clock } from '../base/clock.ts';
import { cancelled, MeshError } from '../base/errors.ts';
import { PUBLIC_KEY_BYTES } from './identity.ts';

/** 2^24 hashes take half a minute where 2^20 take two seconds: no honest server asks for more than that. */
export const MAX_BITS = 24;
export const CHALLENGE_BYTES = 32;
const PURPOSE = new TextEncoder().encode('llmesh/1/join\0');
const COUNTER_BYTES = 8;

/** Between two looks at the clock. */
const HASHES = 64;
/** A page that does nothing else for longer feels slow, on phones much sooner than here. */
const YIELD_AFTER_MS = 6;

/**
 * Finds a number that passes `check`. Gives way to other work every few milliseconds. Rejects with cancelled, and
 * with work_refused when more is asked than `MAX_BITS`.
 */
export async function solve(
  challenge: Uint8Array,
  publicKey: Uint8Array,
  bits: number,
  signal: AbortSignal,
  clock: Clock = realClock,
): Promise<number> {
  if (!wellFormed(challenge, publicKey, bits)) {
    throw new MeshError('work_refused', 'The server asks for more work than LLMesh will do to join a mesh.');
  }
  const seeking = start(challenge, publicKey);
  const counter = new Uint8Array(COUNTER_BYTES);
  const view = new DataView(counter.buffer);
  if (signal.aborted) throw cancelled();
  let sinceMs = clock.now();
  for (let number = 0; ; number++) {
    if (number % HASHES === 0 && clock.now() - sinceMs > YIELD_AFTER_MS) {
      await new Promise<void>((resolve) => clock.after(0, resolve));
      if (signal.aborted) throw cancelled();
      sinceMs = clock.now();
    }
    writeNumber(view, number);
    if (leadingZeroBits(seeking.clone().update(counter).digest()) >= bits) return number;
  }
}

/** Checks a number, with one hash. False for anything that is not such a number. */
export function check(challenge: Uint8Array, publicKey: Uint8Array, bits: number, number: number): boolean {
  if (!wellFormed(challenge, publicKey, bits) || !Number.isSafeInteger(number) || number < 0) return false;
  const counter = new Uint8Array(COUNTER_BYTES);
  writeNumber(new DataView(counter.buffer), number);
  return leadingZeroBits(start(challenge, publicKey).update(counter).digest()) >= bits;
}

/** Fixed lengths, so that no two pairs of challenge and key read the same. */
function wellFormed(challenge: Uint8Array, publicKey: Uint8Array, bits: number): boolean {
  if (challenge.byteLength !== CHALLENGE_BYTES || publicKey.byteLength !== PUBLIC_KEY_BYTES) return false;
  return Number.isInteger(bits) && bits >= 0 && bits <= MAX_BITS;
}

/** The hash so far. A copy continues from here with each number, which saves half the work. */
function start(challenge: Uint8Array, publicKey: Uint8Array) {
  return sha256.create().update(concatBytes(PURPOSE, challenge, publicKey));
}

function writeNumber(view: DataView, number: number): void {
  view.setUint32(0, Math.floor(number / 0x1_0000_0000));
  view.setUint32(4, number % 0x1_0000_0000);
}

function leadingZeroBits(hash: Uint8Array): number {
  let bits = 0;
  for (const byte of hash) {
    if (byte !== 0) return bits + Math.clz32(byte) - 24;
    bits += 8;
  }
  return bits;
}
