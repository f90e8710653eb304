/** Reproducible chance: everything that a simulation leaves to chance is drawn from here, so a seed determines it all. */
import { mulberry32 } from '@llmesh/core/testing/mulberry32';

export class SeededRandom {
  /** 0 ≤ x < 1. */
  readonly next: () => number;

  constructor(seed: number) {
    this.next = mulberry32(seed);
  }

  /** Another stream: what one part of the world draws does not shift what the others do. */
  fork(): SeededRandom {
    return new SeededRandom(Math.floor(this.next() * 2 ** 32));
  }

  between(low: number, high: number): number {
    return low + this.next() * (high - low);
  }

  /** Falls as often into one power of ten as into another. */
  logUniform(low: number, high: number): number {
    return low * (high / low) ** this.next();
  }

  chance(share: number): boolean {
    return this.next() < share;
  }

  /** Waiting time until the next event of a Poisson process with this mean. */
  exponential(mean: number): number {
    return -Math.log(1 - this.next()) * mean;
  }

  pick<T>(from: readonly T[]): T {
    if (from.length === 0) throw new RangeError('nothing to pick from');
    return from[Math.floor(this.next() * from.length)]!;
  }

  bytes(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => Math.floor(this.next() * 256));
  }
}
