/** A vault of limited size in the memory of this process. */
import type { Clock } from '@llmesh/core/base/clock';
import type { Vault } from './vault.ts';

/** Expired entries are swept at this size, or at twice what the last sweep left. */
const LEAST_SWEPT = 1_024;
/** A full vault makes more room than it needs, so that it need not do so again at once. */
const LEFT_WHEN_FULL = 0.95;

export class MemoryVault implements Vault {
  readonly #clock: Clock;
  readonly #most: number;
  readonly #kept = new Map<string, { value: string; untilMs: number }>();
  #sweepAt = LEAST_SWEPT;

  /** Beyond `most`, the entries that would expire first go first. */
  constructor(clock: Clock, most: number) {
    this.#clock = clock;
    this.#most = most;
  }

  async put(key: string, value: string, forMs: number): Promise<void> {
    this.#kept.set(key, { value, untilMs: this.#clock.now() + forMs });
    if (this.#kept.size >= Math.min(this.#sweepAt, this.#most + 1)) this.#sweep();
  }

  async read(key: string): Promise<string | null> {
    const found = this.#kept.get(key);
    return found !== undefined && found.untilMs > this.#clock.now() ? found.value : null;
  }

  async take(key: string): Promise<string | null> {
    const found = this.#kept.get(key);
    this.#kept.delete(key);
    return found !== undefined && found.untilMs > this.#clock.now() ? found.value : null;
  }

  #sweep(): void {
    const now = this.#clock.now();
    for (const [key, { untilMs }] of this.#kept) if (untilMs <= now) this.#kept.delete(key);
    if (this.#kept.size > this.#most) {
      // The sort is stable: of entries that expire together, the oldest go first.
      const first = [...this.#kept].toSorted(([, a], [, b]) => a.untilMs - b.untilMs);
      const surplus = this.#kept.size - Math.max(1, Math.floor(this.#most * LEFT_WHEN_FULL));
      for (const [key] of first.slice(0, surplus)) this.#kept.delete(key);
    }
    this.#sweepAt = Math.max(LEAST_SWEPT, 2 * this.#kept.size);
  }
}
