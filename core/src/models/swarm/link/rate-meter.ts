/** How fast bytes came over the last seconds. */
import type { Clock } from '../../../base/clock.ts';

const SLOT_MS = 500;
const SLOTS = 10;

export class RateMeter {
  total = 0;
  readonly #clock: Clock;
  readonly #slots = new Float64Array(SLOTS);
  #slot: number;
  readonly #since: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#since = clock.now();
    this.#slot = Math.floor(this.#since / SLOT_MS);
  }

  add(bytes: number): void {
    this.#turn();
    this.total += bytes;
    const at = this.#slot % SLOTS;
    this.#slots[at] = (this.#slots[at] ?? 0) + bytes;
  }

  /** Bytes per second, over five seconds or since the beginning. */
  get perSecond(): number {
    this.#turn();
    const nowMs = this.#clock.now();
    const windowMs = Math.min(nowMs - this.#since, (SLOTS - 1) * SLOT_MS + (nowMs % SLOT_MS));
    return this.#slots.reduce((sum, one) => sum + one, 0) / (Math.max(windowMs, SLOT_MS) / 1000);
  }

  #turn(): void {
    const slot = Math.floor(this.#clock.now() / SLOT_MS);
    for (let passed = Math.max(this.#slot + 1, slot - SLOTS + 1); passed <= slot; passed++)
      this.#slots[passed % SLOTS] = 0;
    this.#slot = slot;
  }
}
