/** Tells everybody what the mesh offers: when it changed, and at most once a second. */
import type { Clock } from '@llmesh/core/clock';
import type { Offers } from '@llmesh/core/control-protocol';

export const PUBLISH_MS = 1000;
/** Adding up the whole mesh is not free: after a look that found no difference, wait a little with the next. */
const LOOK_MS = 100;

export class OfferBoard {
  readonly #clock: Clock;
  readonly #read: () => Offers;
  readonly #publish: (json: string) => void;
  #published = '';
  #notBefore = -Infinity;
  #timer: { at: number; stop: () => void } | null = null;
  #closed = false;

  constructor(clock: Clock, read: () => Offers, publish: (json: string) => void) {
    this.#clock = clock;
    this.#read = read;
    this.#publish = publish;
  }

  /** Something may have changed. `withinMs` is how long this change can wait for company. */
  touch(withinMs = 0): void {
    const at = Math.max(this.#notBefore, this.#clock.now() + withinMs);
    if (at <= this.#clock.now()) this.#look();
    else this.#lookAt(at);
  }

  /** For somebody who has just come. */
  current(): string {
    return JSON.stringify(this.#read());
  }

  close(): void {
    this.#closed = true;
    this.#timer?.stop();
    this.#timer = null;
  }

  #look(): void {
    if (this.#closed) return;
    this.#timer?.stop();
    this.#timer = null;
    const now = this.#clock.now();
    const offers = this.#read();
    const json = JSON.stringify(offers);
    const changed = json !== this.#published;
    this.#notBefore = now + (changed ? PUBLISH_MS : LOOK_MS);
    // Providers that fall silent touch nothing: look again while there are any.
    if (offers.providers > 0) this.#lookAt(now + PUBLISH_MS);
    if (!changed) return;
    this.#published = json;
    this.#publish(json);
  }

  #lookAt(at: number): void {
    if (this.#closed || (this.#timer !== null && this.#timer.at <= at)) return;
    this.#timer?.stop();
    const stop = this.#clock.after(at - this.#clock.now(), () => this.#look());
    this.#timer = { at, stop };
  }
}
