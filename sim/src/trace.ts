/** What happened when, as one number: two runs of a seed are the same run when their numbers are equal. */
import { createHash, type Hash } from 'node:crypto';
import type { VirtualClock } from './virtual-clock.ts';

export class Trace {
  readonly #clock: VirtualClock;
  readonly #hash: Hash = createHash('sha256');

  constructor(clock: VirtualClock) {
    this.#clock = clock;
  }

  note(...what: readonly (string | number | null)[]): void {
    this.#hash.update(`${this.#clock.now()} ${what.join(' ')}\n`);
  }

  /** The digest of all that was noted so far. */
  get digest(): string {
    return this.#hash.copy().digest('hex').slice(0, 16);
  }
}
