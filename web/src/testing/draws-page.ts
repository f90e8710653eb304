/** What a page draws, for `e2e/tests/draws.test.ts`: every browser and Node must draw the same. */
import { drawsOf, seededDraws, SeedRow } from '@llmesh/core/proof/seeds';
import { uniformOf } from '@llmesh/core/proof/uniform';
import { Choice } from '../engines/web-llm/choice.ts';

const filled = (length: number, value: number) => new Uint8Array(length).fill(value);

/** Seeds by the draws that they come from, and numbers by their seeds. */
export interface Drawn {
  seeded: string;
  drawn: string;
  seeds: number[];
  uniforms: number[];
  /** Tokens of rows of logits that every engine makes alike. */
  tokens: number[];
}

export function draw(seed: number, positions: readonly number[], seeds: readonly number[]): Drawn {
  const seeded = seededDraws(seed);
  const row = new SeedRow(seeded);
  return {
    seeded: hex(seeded),
    drawn: hex(drawsOf({ commitment: filled(32, 1), leaseNonce: filled(16, 2), half: filled(16, 3) })),
    seeds: positions.map((position) => row.at(position)),
    uniforms: seeds.map((one) => uniformOf(one)),
    tokens: tokens(seeded),
  };
}

function tokens(draws: Uint8Array): number[] {
  const some = new Choice({ temperature: 0.8, topK: 40, topP: 0.95, minP: 0.02 }, draws);
  const all = new Choice({ temperature: 1.3, topK: 0, topP: 1, minP: 0 }, draws);
  return Array.from({ length: 500 }, (_, position) => {
    const logits = Float32Array.from(
      { length: 1500 },
      (_, id) => (((id * 7919 + position * 104_729) % 2003) - 1000) / 128,
    );
    return (position % 2 === 0 ? some : all).token(logits, position);
  });
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

Object.assign(globalThis, { draw });
