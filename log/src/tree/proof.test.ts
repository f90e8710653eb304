import { hexToBytes } from '@noble/hashes/utils.js';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { fromBase64 } from '../base/base64.ts';
import { readCheckpoint } from '../note/checkpoint.ts';
import { EMPTY_ROOT, leafHash, PORTABLE } from '../base/hashing.ts';
import { readNote } from '../note/note.ts';
import {
  consistencyProof,
  inclusionProof,
  MAX_PROOF_HASHES,
  provesConsistency,
  provesInclusion,
  rootOf,
  type SubtreeHashes,
} from './proof.ts';
import { RightEdge } from './right-edge.ts';
import { utf8 } from '../base/text.ts';
import type { TileSource } from './tile-source.ts';
import { logOf, someLeaves } from '../testing/memory-tiles.ts';
import { pathOf, proofOf, treeHash } from '../testing/oracle.ts';
import { SIGSUM_NOTES, SIGSUM_PROOFS } from '../testing/vectors.ts';

const LEAVES = someLeaves(600);
let source: TileSource;

beforeAll(async () => {
  source = (await logOf(LEAVES)).tiles.source(LEAVES.length);
});

/** The tests of certificate-transparency: eight leaves, and the roots of their trees. */
const CT_LEAVES = [
  ...['', '00', '10', '2021', '3031', '40414243', '5051525354555657', '606162636465666768696a6b6c6d6e6f'],
].map((hex) => hexToBytes(hex));
const CT_ROOTS = [
  '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
  'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
  'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
  'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
  '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
  '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
  'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
  '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
];

describe('the root of a tree', () => {
  it('is that of the public test vectors', async () => {
    const edge = new RightEdge();
    expect(edge.root()).toEqual(EMPTY_ROOT);
    for (const [i, leaf] of CT_LEAVES.entries()) {
      edge.push(leafHash(leaf));
      expect(edge.root()).toEqual(hexToBytes(CT_ROOTS[i]!));
    }
    const { tiles } = await logOf(CT_LEAVES);
    const { size: proofSize } = { size: 8 };
    expect(await inclusionProof(tiles.source(8), 0, proofSize)).toEqual(
      [
        '96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7',
        '5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e',
        '6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4',
      ].map((hex) => hexToBytes(hex)),
    );
  });

  it('is that of RFC 6962 at each size', async () => {
    for (const size of [0, 1, 2, 3, 255, 256, 257, 511, 512, 513, 600]) {
      expect(await rootOf(source, size)).toEqual(treeHash(LEAVES.slice(0, size)));
    }
  });

  it('is not made of subtrees that overlap', () => {
    const edge = new RightEdge();
    edge.push(leafHash(LEAVES[0]!));
    expect(() => edge.push(leafHash(LEAVES[0]!), 1)).toThrow(RangeError);
  });
});

describe('a proof of inclusion', () => {
  it('is that of RFC 6962, and proves; and no other proves anything', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 600 }), fc.nat(599), fc.nat(), async (size, at, seed) => {
        const index = at % size;
        const tree = LEAVES.slice(0, size);
        const root = treeHash(tree);
        const proof = await inclusionProof(source, index, size);
        expect(proof).toEqual(pathOf(index, tree));
        const claim = { index, size, hash: leafHash(LEAVES[index]!), root };
        expect(provesInclusion(proof, claim)).toBe(true);
        for (const mutant of mutants(proof, seed)) expect(provesInclusion(mutant, claim)).toBe(false);
        expect(provesInclusion(proof, { ...claim, hash: leafHash(utf8('another')) })).toBe(false);
        expect(provesInclusion(proof, { ...claim, root: flipped(root, seed) })).toBe(false);
        for (const other of [index - 1, index + 1, size, size + index, -1, 0.5, Number.NaN]) {
          expect(provesInclusion(proof, { ...claim, index: other })).toBe(false);
        }
      }),
      { numRuns: 30 },
    );
  });

  it('of the largest trees ends', () => {
    const claim = { index: 5, size: Number.MAX_SAFE_INTEGER, hash: EMPTY_ROOT, root: EMPTY_ROOT };
    expect(provesInclusion(new Array<Uint8Array>(53).fill(EMPTY_ROOT), claim)).toBe(false);
    expect(provesInclusion(new Array<Uint8Array>(1_000_000).fill(EMPTY_ROOT), claim)).toBe(false);
    expect(provesInclusion([], { ...claim, size: Infinity })).toBe(false);
  });

  it('is not made for a leaf that is not there', async () => {
    await expect(inclusionProof(source, 600, 600)).rejects.toThrow(RangeError);
    await expect(inclusionProof(source, 0, 601)).rejects.toThrow(RangeError);
  });
});

describe('a proof of consistency', () => {
  it('is that of RFC 6962, and proves; and no other proves anything', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 600 }), fc.nat(600), fc.nat(), async (size, at, seed) => {
        const oldSize = at % (size + 1);
        const [old, tree] = [LEAVES.slice(0, oldSize), LEAVES.slice(0, size)];
        const claim = { oldSize, oldRoot: treeHash(old), size, root: treeHash(tree) };
        const proof = await consistencyProof(source, oldSize, size);
        if (oldSize > 0) expect(proof).toEqual(proofOf(oldSize, tree));
        expect(provesConsistency(proof, claim)).toBe(true);
        for (const mutant of mutants(proof, seed)) expect(provesConsistency(mutant, claim)).toBe(false);
        expect(provesConsistency(proof, { ...claim, oldRoot: flipped(claim.oldRoot, seed) })).toBe(false);
        if (oldSize > 0) {
          expect(provesConsistency(proof, { ...claim, root: flipped(claim.root, seed) })).toBe(false);
          // Another past.
          const forged = treeHash(old.with(seed % oldSize, utf8('another')));
          expect(provesConsistency(proof, { ...claim, oldRoot: forged })).toBe(false);
        }
        expect(provesConsistency(proof, { ...claim, oldSize: size + 1 })).toBe(false);
        expect(provesConsistency(proof, { ...claim, oldSize: -1 })).toBe(false);
      }),
      { numRuns: 30 },
    );
  });

  it('of another implementation proves', () => {
    const at = (size: 1 | 3 | 5) => readCheckpoint(readNote(utf8(SIGSUM_NOTES[size]))!.text)!;
    for (const [sizes, proof] of Object.entries(SIGSUM_PROOFS)) {
      const [from, to] = sizes.split('-').map(Number) as [1 | 3, 3 | 5];
      const claim = { oldSize: from, oldRoot: at(from).root, size: to, root: at(to).root };
      const hashes = proof.map((line) => fromBase64(line)!);
      expect(provesConsistency(hashes, claim)).toBe(true);
      for (const mutant of mutants(hashes, 1)) expect(provesConsistency(mutant, claim)).toBe(false);
    }
  });
});

describe('the largest trees', () => {
  // All leaves are alike, so a subtree's hash depends on its height alone.
  const alike = [leafHash(utf8('leaf'))];
  for (let level = 1; level < 54; level += 1) alike.push(PORTABLE.node(alike[level - 1]!, alike[level - 1]!));
  const hashes: SubtreeHashes = { hasher: PORTABLE, hash: (level) => Promise.resolve(alike[level]!) };

  it('up to 2^53 − 1 leaves have proofs as all others have', async () => {
    const largest = Number.MAX_SAFE_INTEGER;
    const sizes = fc.oneof(fc.integer({ min: 2 ** 31 - 2, max: largest }), fc.constantFrom(2 ** 32, 2 ** 52, largest));
    await fc.assert(
      fc.asyncProperty(sizes, fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }), async (size, share) => {
        const [index, root] = [Math.floor(size * share), await rootOf(hashes, size)];
        const claim = { index, size, hash: alike[0]!, root };
        const inclusion = await inclusionProof(hashes, index, size);
        expect(provesInclusion(inclusion, claim)).toBe(true);
        for (const mutant of mutants(inclusion, size).slice(0, 6)) expect(provesInclusion(mutant, claim)).toBe(false);
        const oldSize = index + 1;
        const consistency = await consistencyProof(hashes, oldSize, size);
        const old = { oldSize, oldRoot: await rootOf(hashes, oldSize), size, root };
        expect(provesConsistency(consistency, old)).toBe(true);
        for (const mutant of mutants(consistency, size).slice(0, 6)) expect(provesConsistency(mutant, old)).toBe(false);
        expect(Math.max(inclusion.length, consistency.length)).toBeLessThanOrEqual(MAX_PROOF_HASHES);
      }),
      { numRuns: 15 },
    );
  });
});

/** Everything near to a proof that is not it. */
function mutants(proof: readonly Uint8Array[], seed: number): Uint8Array[][] {
  const [first] = proof;
  return [
    [...proof, EMPTY_ROOT],
    [EMPTY_ROOT, ...proof],
    ...(first === undefined ? [] : [proof.slice(1), proof.slice(0, -1), [first, ...proof]]),
    ...proof.map((hash, i) => proof.with(i, flipped(hash, seed))),
    ...(proof.length > 1 ? [proof.toReversed()] : []),
  ];
}

function flipped(hash: Uint8Array, seed: number): Uint8Array {
  return hash.with(seed % hash.length, hash[seed % hash.length]! ^ (1 << (seed % 8)));
}
