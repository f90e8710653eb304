/**
 * Where the draws of an answer come from. Neither end can choose them alone: the requester's salt is in the commitment, which
 * the provider cannot foresee, and the provider adds its half after it has taken the task. Each position has a seed of its
 * own, so that one reading of the whole answer checks all of them.
 */
import { sha256 } from '@noble/hashes/sha2.js';
import { canonical } from '../wire/canonical.ts';

export const DRAWS_BYTES = 32;
/** Seeds in one digest. */
const SEEDS_A_BLOCK = 8;
/** llama.cpp takes 2³²−1 for "choose one yourself". */
const RESERVED_SEED = 0xffff_ffff;

export interface DrawSources {
  /** The digest of the request, with the requester's salt: `receipts/request-commitment.ts`. */
  readonly commitment: Uint8Array;
  readonly leaseNonce: Uint8Array;
  /** The provider's half. */
  readonly half: Uint8Array;
}

/** The draws of an answer that was asked for without a seed. */
export function drawsOf({ commitment, leaseNonce, half }: DrawSources): Uint8Array {
  return sha256(canonical(['llmesh/5/draws', commitment, leaseNonce, half]));
}

/** The draws where the requester names a seed: the same words come again with any lease and any provider of the file. */
export function seededDraws(seed: number): Uint8Array {
  return sha256(canonical(['llmesh/5/seeded', seed]));
}

/** The seeds of all positions. It keeps one digest, because positions come one after the other. */
export class SeedRow {
  readonly #draws: Uint8Array;
  #block = -1;
  #seeds = new DataView(new ArrayBuffer(DRAWS_BYTES));

  constructor(draws: Uint8Array) {
    this.#draws = new Uint8Array(draws);
  }

  /** `position` counts from the first token of the whole answer, whoever wrote it. Below 2³²−1. */
  at(position: number): number {
    const block = Math.floor(position / SEEDS_A_BLOCK);
    if (block !== this.#block) {
      this.#seeds = new DataView(this.#digest(block).buffer);
      this.#block = block;
    }
    const seed = this.#seeds.getUint32((position % SEEDS_A_BLOCK) * 4);
    return seed === RESERVED_SEED ? 0 : seed;
  }

  #digest(block: number): Uint8Array<ArrayBuffer> {
    const counter = new Uint8Array(4);
    new DataView(counter.buffer).setUint32(0, block);
    // A copy of its own: the digest may be a view into a larger buffer.
    return new Uint8Array(sha256.create().update(this.#draws).update(counter).digest());
  }
}
