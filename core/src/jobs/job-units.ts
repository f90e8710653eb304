/**
 * What a job costs, in units: one for each ten million gas, and one for each part of what it brings back. And how its
 * outcome travels: as MessagePack, cut into parts.
 */
import { sha256 } from '@noble/hashes/sha2.js';
import { packBody, readBody } from '../wire/body.ts';
import { JobOutcomeSchema, type JobLimits, type JobOutcome } from './job.ts';

export const GAS_PER_UNIT = 10_000_000;
export const PART_BYTES = 262_144;
/** Names of files, and the fields around them. */
const AROUND_BYTES = 131_072;

export function gasUnits(gas: number): number {
  return Math.ceil(gas / GAS_PER_UNIT);
}

/** The most that a job of these limits can cost; ask with this as `maxUnits`. */
export function unitsOf({ gas, outputBytes }: JobLimits): number {
  return gasUnits(gas) + Math.ceil((outputBytes + AROUND_BYTES) / PART_BYTES);
}

export function partsOf(outcome: JobOutcome): Uint8Array<ArrayBuffer>[] {
  const packed = packBody(outcome);
  const parts: Uint8Array<ArrayBuffer>[] = [];
  for (let at = 0; at < packed.byteLength; at += PART_BYTES) parts.push(packed.slice(at, at + PART_BYTES));
  return parts;
}

/** Null: the parts are not an outcome. */
export function outcomeOf(parts: readonly Uint8Array[]): JobOutcome | null {
  const packed = new Uint8Array(parts.reduce((sum, { byteLength }) => sum + byteLength, 0));
  let at = 0;
  for (const part of parts) {
    packed.set(part, at);
    at += part.byteLength;
  }
  return readBody(JobOutcomeSchema, packed);
}

/**
 * What must be the same whoever ran the job: all but the gas of one that was resumed on its way, which had to find its
 * place again. SHA-256.
 */
export function outcomeDigest({ gas: _gas, ...outcome }: JobOutcome): Uint8Array {
  return sha256(packBody(outcome));
}
