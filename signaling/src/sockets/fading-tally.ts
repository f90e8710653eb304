/** How often something happened lately, for each key: a count is worth half after a while. */
import { BoundedMap } from '@llmesh/core/base/bounded-map';
import type { Clock } from '@llmesh/core/base/clock';

/** Keys remembered; beyond that, those counted longest ago are forgotten. */
const MAX_KEYS = 20_000;

export class FadingTally {
  readonly #clock: Clock;
  readonly #halfLifeMs: number;
  /** In the order in which they were last counted. */
  readonly #counts = new BoundedMap<string, { count: number; atMs: number }>(MAX_KEYS);

  constructor(clock: Clock, halfLifeMs: number) {
    this.#clock = clock;
    this.#halfLifeMs = halfLifeMs;
  }

  of(key: string): number {
    const counted = this.#counts.get(key);
    if (counted === undefined) return 0;
    return counted.count * 0.5 ** ((this.#clock.now() - counted.atMs) / this.#halfLifeMs);
  }

  /** Negative: takes back. Never below 0, and never above `most`. */
  add(key: string, by = 1, most = Infinity): void {
    const count = Math.min(most, Math.max(0, this.of(key) + by));
    if (count > 0) this.#counts.set(key, { count, atMs: this.#clock.now() });
    else this.#counts.delete(key);
  }
}
