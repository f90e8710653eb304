/**
 * Proofs and checkpoints of ours, checked by a verifier that somebody else wrote: @sigstore/verify, which every npm
 * brings along to check where packages come from.
 */
import { createPublicKey } from 'node:crypto';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { signCheckpoint } from '../note/checkpoint.ts';
import { signWith } from '../base/ed25519.ts';
import { noteKey } from '../note/key.ts';
import { inclusionProof } from './proof.ts';
import { logOf, someLeaves } from '../testing/memory-tiles.ts';

const SPKI_PREFIX = '302a300506032b6570032100';

interface Entry {
  canonicalizedBody: Uint8Array;
  inclusionProof: { logIndex: string; hashes: Uint8Array[]; checkpoint: { envelope: string } };
}
interface Checkpoint {
  logSize: bigint;
  logHash: Uint8Array;
}
interface Log {
  logID: Buffer;
  baseURL: string;
  publicKey: ReturnType<typeof createPublicKey>;
}
interface Foreign {
  verifyCheckpoint(entry: Entry, logs: Log[]): Checkpoint;
  verifyMerkleInclusion(entry: Entry, checkpoint: Checkpoint): void;
}

/** Where npm lies: beside the node that runs, or where it says itself. */
function foreignRoot(): string | null {
  const npm = process.env['npm_execpath'];
  const places = [
    ...(npm === undefined ? [] : [resolve(dirname(npm), '..')]),
    resolve(dirname(process.execPath), '../lib/node_modules/npm'),
    resolve(dirname(process.execPath), 'node_modules/npm'),
  ];
  const roots = places.map((place) => join(place, 'node_modules/@sigstore/verify/dist/tlog'));
  return roots.find((root) => existsSync(join(root, 'merkle.js')) && existsSync(join(root, 'checkpoint.js'))) ?? null;
}

const root = foreignRoot();

describe.skipIf(root === null)("npm's own verifier", () => {
  it('accepts our checkpoints and proofs of inclusion, and no others', async () => {
    const load = createRequire(import.meta.url);
    const foreign = {
      ...(load(join(root!, 'checkpoint.js')) as Pick<Foreign, 'verifyCheckpoint'>),
      ...(load(join(root!, 'merkle.js')) as Pick<Foreign, 'verifyMerkleInclusion'>),
    };
    const { publicKey, sign } = signWith(new Uint8Array(32).fill(5));
    const key = noteKey('example.com/log', 'note', publicKey);
    const spki = Buffer.concat([Buffer.from(SPKI_PREFIX, 'hex'), publicKey]);
    const log: Log = {
      logID: Buffer.from(key.id, 'hex'),
      baseURL: 'https://example.com/log',
      publicKey: createPublicKey({ key: spki, format: 'der', type: 'spki' }),
    };
    for (const size of [1, 2, 3, 7, 255, 256, 257, 700]) {
      const leaves = someLeaves(size);
      const { tiles, root: hash } = await logOf(leaves);
      const checkpoint = { origin: 'example.com/log', size, root: hash, extensions: [] };
      const envelope = await signCheckpoint(checkpoint, { key, sign }, 1);
      for (const index of new Set([0, size >> 1, size - 1])) {
        const hashes = await inclusionProof(tiles.source(size), index, size);
        const entry = (of: number): Entry => ({
          canonicalizedBody: leaves[of]!,
          inclusionProof: {
            logIndex: String(index),
            hashes: hashes.map((bytes) => Buffer.from(bytes)),
            checkpoint: { envelope },
          },
        });
        const read = foreign.verifyCheckpoint(entry(index), [log]);
        expect(read.logSize).toBe(BigInt(size));
        foreign.verifyMerkleInclusion(entry(index), read);
        if (size > 1) expect(() => foreign.verifyMerkleInclusion(entry((index + 1) % size), read)).toThrow();
      }
      const forged = envelope.replace(`\n${size}\n`, `\n${size + 1}\n`);
      const entry = {
        canonicalizedBody: leaves[0]!,
        inclusionProof: { logIndex: '0', hashes: [], checkpoint: { envelope: forged } },
      };
      expect(() => foreign.verifyCheckpoint(entry, [log])).toThrow();
    }
  });
});
