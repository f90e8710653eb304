/**
 * Asks a keeper for some leaves of a model, one after another, and says what came. Time tells whether it has them: whoever has to fetch
 * a piece from somewhere else first is slower than a disk. Somebody near, with the bytes, and a program made for it, is not found out so.
 */
import { sha256 } from '@noble/hashes/sha2.js';
import { untilAborted } from '../../base/abort.ts';
import type { Clock } from '../../base/clock.ts';
import { manifestOf } from '../content-id.ts';
import type { Hasher } from '../hasher.ts';
import { isLeaf, leavesIn } from '../leaf-path.ts';
import type { Manifest } from '../manifest.ts';
import type { ContentId } from '../piece-store.ts';
import type { SwarmPeer } from './link/swarm-peer.ts';

/** What the usual leaf may take besides its way: a piece read and hashed, beside a model that answers somebody. */
export const LEAF_MS = 200;
/** The longest way that is allowed for: who says that it is farther away would gain time by it. */
export const MAX_WAY_MS = 300;
const NO_LEAVES = new Uint8Array(32);

/** As in `proof/keeping/storage-report.ts`. */
export interface StorageFinding {
  outcome: 'kept' | 'late' | 'wrong' | 'unreachable';
  sizeBytes: number;
  slowestMs: number;
  leaves: Uint8Array;
}

export const UNREACHABLE: StorageFinding = { outcome: 'unreachable', sizeBytes: 0, slowestMs: 0, leaves: NO_LEAVES };

export interface StorageCheckOptions {
  content: ContentId;
  /** Which leaves, of so many in all files together. */
  drawn: (leaves: number) => readonly number[];
  hasher: Hasher;
  clock: Clock;
}

/** Never says that something is wrong unless wrong bytes came. Rejects with cancelled. */
export async function checkStorage(
  peer: SwarmPeer,
  { content, drawn, hasher, clock }: StorageCheckOptions,
  signal: AbortSignal,
): Promise<StorageFinding> {
  const told = (await untilAborted(peer.usable, signal)) ? await untilAborted(peer.manifest(content), signal) : null;
  if (told === null) return UNREACHABLE;
  const manifest = manifestOf(content, told, hasher);
  if (manifest === null) return { ...UNREACHABLE, outcome: 'wrong' };
  const sizeBytes = manifest.files.reduce((sum, file) => sum + file.sizeBytes, 0);
  const hash = sha256.create();
  const times: number[] = [];
  for (const number of drawn(manifest.files.reduce((sum, file) => sum + leavesIn(file.sizeBytes), 0))) {
    const { file, leaf } = placeOf(manifest, number);
    const startMs = clock.now();
    const proof = await untilAborted(peer.leaf(content, file, leaf), signal);
    times.push(clock.now() - startMs);
    const slowestMs = Math.round(Math.max(...times));
    if (proof === null) return { ...UNREACHABLE, sizeBytes, slowestMs };
    const { root, sizeBytes: fileBytes } = manifest.files[file]!;
    if (!isLeaf({ root, fileBytes }, leaf, proof, hasher))
      return { outcome: 'wrong', sizeBytes, slowestMs, leaves: NO_LEAVES };
    hash.update(hasher.sha256(proof.bytes));
  }
  const outcome = isTimely(times, peer.channel.rttMs ?? 0) ? 'kept' : 'late';
  return { outcome, sizeBytes, slowestMs: Math.round(Math.max(...times)), leaves: hash.digest() };
}

/** The usual one decides: a disk may have to wake up first, and any computer has its moments. */
export function isTimely(timesMs: readonly number[], rttMs: number): boolean {
  const usual = timesMs.toSorted((a, b) => a - b)[Math.floor((timesMs.length - 1) / 2)] ?? 0;
  return usual <= LEAF_MS + Math.min(MAX_WAY_MS, 2 * rttMs);
}

/** Leaves are numbered over all files in the order of the manifest. */
function placeOf({ files }: Manifest, number: number): { file: number; leaf: number } {
  let leaf = number;
  for (const [file, { sizeBytes }] of files.entries()) {
    const leaves = leavesIn(sizeBytes);
    if (leaf < leaves) return { file, leaf };
    leaf -= leaves;
  }
  throw new RangeError(`There is no leaf ${number}.`);
}
