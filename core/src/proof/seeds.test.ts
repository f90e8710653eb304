import { describe, expect, it } from 'vitest';
import { bytesToHex } from '@noble/hashes/utils.js';
import { DRAWS_VECTOR, SEEDED_VECTOR, UNIFORM_DIGEST, UNIFORM_VECTORS } from './draw-vectors.ts';
import { drawsOf, seededDraws, SeedRow } from './seeds.ts';
import { uniformOf } from './uniform.ts';

const filled = (length: number, value: number) => new Uint8Array(length).fill(value);
const sources = { commitment: filled(32, 1), leaseNonce: filled(16, 2), half: filled(16, 3) };

describe('the draws of an answer', () => {
  it('are what llama.cpp and other programs compute', () => {
    for (const [seed, drawn] of UNIFORM_VECTORS) expect(uniformOf(seed)).toBe(drawn);
    expect(digestOfUniforms()).toBe(UNIFORM_DIGEST);
    for (const [draws, vector] of [
      [seededDraws(SEEDED_VECTOR.seed), SEEDED_VECTOR],
      [drawsOf(sources), DRAWS_VECTOR],
    ] as const) {
      expect(bytesToHex(draws)).toBe(vector.draws);
      const row = new SeedRow(draws);
      for (const [position, seed] of vector.seeds.toReversed()) expect(row.at(position)).toBe(seed);
    }
  });

  it('depend on every bit of what either end gave', () => {
    const draws = bytesToHex(drawsOf(sources));
    for (const part of ['commitment', 'leaseNonce', 'half'] as const) {
      for (let bit = 0; bit < sources[part].byteLength * 8; bit++) {
        const other = sources[part].with(bit >> 3, sources[part][bit >> 3]! ^ (1 << (bit & 7)));
        expect(bytesToHex(drawsOf({ ...sources, [part]: other }))).not.toBe(draws);
      }
    }
  });

  it('are spread evenly, and no position tells of its neighbour', () => {
    const row = new SeedRow(drawsOf(sources));
    const drawn = Array.from({ length: 20_000 }, (_, position) => uniformOf(row.at(position)));
    const boxes = new Array<number>(100).fill(0);
    for (const [i, one] of drawn.entries())
      boxes[Math.floor(one * 10) * 10 + Math.floor((drawn[i + 1] ?? 0) * 10)]! += 1;
    const chiSquared = boxes.reduce((sum, n) => sum + (n - 200) ** 2 / 200, 0);
    // 99 degrees of freedom: more than 160 has a chance of 1 in 10,000, and these numbers are always the same.
    expect(chiSquared).toBeLessThan(160);
  });
});

function digestOfUniforms(): bigint {
  const view = new DataView(new ArrayBuffer(8));
  let digest = 1_469_598_103_934_665_603n;
  for (let i = 0; i < 10_000; i++) {
    view.setFloat64(0, uniformOf(Math.imul(i, 2_654_435_761) >>> 0));
    digest = BigInt.asUintN(64, (digest ^ view.getBigUint64(0)) * 1_099_511_628_211n);
  }
  return digest;
}
