/** How long each provider has offered what it offers, by its key: one that returns after a restart is no stranger. */
import { offerKeyOf } from '@llmesh/core/policy/offer-key';
import type { Clock } from '@llmesh/core/base/clock';
import type { PeerId } from '@llmesh/core/base/ids';
import { type Offered } from './offer-index.ts';

/** The most past offers remembered; the shortest are forgotten first. */
export const MAX_PAST = 10_000;
/** A shorter offer is not worth remembering. */
const LEAST_MS = 10_000;

export class Tenure {
  readonly #clock: Clock;
  readonly #since = new Map<string, number>();
  readonly #past = new Map<string, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get remembered(): number {
    return this.#past.size;
  }

  /** Does nothing if it has begun already. */
  begin(peer: PeerId, model: Offered): void {
    const name = nameOf(peer, model);
    if (!this.#since.has(name)) this.#since.set(name, this.#clock.now());
  }

  end(peer: PeerId, model: Offered): void {
    const name = nameOf(peer, model);
    const ms = this.#ms(name);
    if (!this.#since.delete(name) || ms < LEAST_MS) return;
    this.#past.set(name, ms);
    if (this.#past.size <= MAX_PAST) return;
    const [shortest] = [...this.#past].reduce((a, b) => (b[1] < a[1] ? b : a));
    this.#past.delete(shortest);
  }

  ms(peer: PeerId, model: Offered): number {
    return this.#ms(nameOf(peer, model));
  }

  #ms(name: string): number {
    const now = this.#clock.now();
    return now - (this.#since.get(name) ?? now) + (this.#past.get(name) ?? 0);
  }
}

function nameOf(peer: PeerId, model: Offered): string {
  const { sha256, embeds } = model;
  return `${peer} ${offerKeyOf(model)} ${sha256 ?? '-'} ${embeds ?? '-'}`;
}
