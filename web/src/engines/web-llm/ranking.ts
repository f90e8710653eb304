/** The tokens of a row of logits, the likeliest first, sorted only as far as somebody asks: a vocabulary has 150,000 of them. */
import { MeshError } from '@llmesh/core/base/errors';

/** Up to so many are picked out in one pass; behind them, everything is sorted. */
const PICKED_MOST = 1024;
/** No vocabulary is larger. With 32 bits of a logit above it, an id fits into a number. */
const MOST_TOKENS = 2 ** 21;
const WORD = 2 ** 32;
const SIGN = 2 ** 31;

export class Ranking {
  readonly logits: Float32Array;
  /** Of the likeliest token. */
  readonly most: number;
  #sorted: Uint32Array;

  /** `first`: so many will be asked for at least. Throws engine_failed where no logit is a number. */
  constructor(logits: Float32Array, first: number) {
    this.logits = logits;
    this.#sorted = sorted(logits, first);
    this.most = logits[this.at(0)] ?? NaN;
    if (!Number.isFinite(this.most)) throw broken();
  }

  get length(): number {
    return this.logits.length;
  }

  /** The token at this rank. Of tokens with the same logit, the one with the lower id comes first. */
  at(rank: number): number {
    if (rank >= this.#sorted.length && rank < this.logits.length) this.#sorted = sorted(this.logits, 16 * rank);
    return this.#sorted[rank] ?? 0;
  }
}

function sorted(logits: Float32Array, wanted: number): Uint32Array {
  const count = Math.min(wanted, logits.length);
  return count <= PICKED_MOST ? picked(logits, count) : allOf(logits);
}

function picked(logits: Float32Array, count: number): Uint32Array {
  const ids = new Uint32Array(count);
  const kept = new Float32Array(count).fill(-Infinity);
  let floor = -Infinity;
  for (let id = 0; id < logits.length; id++) {
    const logit = logits[id] ?? NaN;
    if (!(logit > floor)) continue;
    let rank = count - 1;
    for (; rank > 0 && logit > (kept[rank - 1] ?? NaN); rank--) {
      kept[rank] = kept[rank - 1] ?? NaN;
      ids[rank] = ids[rank - 1] ?? 0;
    }
    kept[rank] = logit;
    ids[rank] = id;
    floor = kept[count - 1] ?? NaN;
  }
  return ids;
}

/** Sorted as numbers, which is many times faster than by a function: in each, the logit stands above the id. */
function allOf(logits: Float32Array): Uint32Array {
  const bits = new Uint32Array(logits.length);
  new Float32Array(bits.buffer).set(logits);
  const keys = new Float64Array(logits.length);
  for (let id = 0; id < keys.length; id++) {
    const word = bits[id] ?? 0;
    // The bits of floats above zero grow with them, those of floats below zero the other way; what is no number comes last.
    const downwards = Number.isNaN(logits[id]) ? WORD - 1 : word & SIGN ? word : SIGN - 1 - word;
    keys[id] = (downwards >>> 0) * MOST_TOKENS + id;
  }
  keys.sort();
  const ids = new Uint32Array(keys.length);
  for (let rank = 0; rank < keys.length; rank++) ids[rank] = (keys[rank] ?? 0) % MOST_TOKENS;
  return ids;
}

function broken(): MeshError {
  return new MeshError(
    'engine_failed',
    'What this graphics card computes are no numbers. Update its driver, or lend a GGUF model, which the processor runs.',
  );
}
