/**
 * What every offer costs now: a base price that is voted on, by the size of the model, moved slowly by demand. A price
 * that people were shown is honoured for a while, so that nobody pays more than that because of having read it first.
 */
import { BoundedMap } from '@llmesh/core/base/bounded-map';
import type { Clock } from '@llmesh/core/base/clock';
import { DEMAND_STEP_MS, loadOf, nextDemand } from '@llmesh/core/policy/demand-price';
import { offerKeyOf, type OfferKey } from '@llmesh/core/policy/offer-key';
import { PLAIN, priceOf, QUOTED_FOR_MS } from '@llmesh/core/policy/price';
import { classOfOffer, type PriceClass } from '@llmesh/core/policy/price-class';
import type { Offer } from '@llmesh/core/wire/model-advert';

/** Offers whose demand is remembered, also while nobody lends them: leaving for a moment resets no price. */
export const MAX_PRICED_OFFERS = 4_096;

/** Prices of one offer that are remembered as shown. Demand alone makes fewer. */
const MAX_SHOWN = 128;

/** The fields that tell an offer from all others. */
export type OfferIdentity = Pick<Offer, 'task' | 'id' | 'sha256' | 'embeds'>;

export interface PriceListNeeds {
  clock: Clock;
  /** What the mesh offers now. */
  offers: () => readonly Offer[];
  /** How many questions wait for it: `MatchQueues.bids`. */
  waiting: (offer: OfferKey) => number;
  /** By the catalogue; null: it is not there. */
  sizeBytes: (offer: OfferIdentity) => number | null;
  /** A parameter that is voted on. */
  parameter: (name: string) => number;
  /** Called after each step that changed a price. */
  changed: () => void;
}

/** What an offer costs, and how that comes about. */
export interface Priced {
  /** In micro-credits for 1,000 units of a plain task. */
  price: number;
  base: number;
  /** In thousandths. */
  demand: number;
}

interface Entry {
  /** Null: it was not offered yet. */
  class: PriceClass | null;
  demand: number;
  /** Prices that were shown, oldest first, each from its time on until the next. */
  readonly shown: { price: number; sinceMs: number }[];
}

export class PriceList {
  readonly #needs: PriceListNeeds;
  readonly #entries = new BoundedMap<string, Entry>(MAX_PRICED_OFFERS);
  #stopTimer: () => void;

  constructor(needs: PriceListNeeds) {
    this.#needs = needs;
    this.#stopTimer = needs.clock.after(DEMAND_STEP_MS, () => this.#tick());
  }

  /** These offers with their prices, which count as shown from now on. */
  priced<T extends Offer>(offers: readonly T[]): T[] {
    return offers.map((offer) => {
      const entry = this.#see(offer);
      const { price } = this.#show(entry);
      return { ...offer, price };
    });
  }

  /** As of now. What was never offered costs as little as the smallest, until it is. */
  of(offer: OfferIdentity): Priced {
    return this.#show(this.#entryOf(offer));
  }

  /** The lowest price that was shown for it lately: what somebody who read it then may pay. */
  lowest(offer: OfferIdentity): number {
    const entry = this.#entryOf(offer);
    return Math.min(this.#show(entry).price, ...entry.shown.map(({ price }) => price));
  }

  /** Idempotent. */
  close(): void {
    this.#stopTimer();
  }

  #tick(): void {
    const { clock, offers, waiting, parameter, changed } = this.#needs;
    this.#stopTimer = clock.after(DEMAND_STEP_MS, () => this.#tick());
    const bounds = { floor: parameter('demand-floor'), ceiling: parameter('demand-ceiling') };
    let moved = false;
    for (const offer of offers()) {
      const entry = this.#see(offer);
      const { busySlots: busy, freeSlots = Math.max(0, offer.slots - offer.busySlots) } = offer;
      // Only as many idle slots count as their providers have a record for: claims are no reason to cost less.
      const load = loadOf({ busy, waiting: waiting(offerKeyOf(offer)), slots: busy + freeSlots });
      const next = nextDemand(entry.demand, load, bounds);
      moved ||= next !== entry.demand;
      entry.demand = next;
    }
    if (moved) changed();
  }

  #see(offer: Offer): Entry {
    const entry = this.#entryOf(offer);
    entry.class = classOfOffer(offer, this.#needs.sizeBytes(offer));
    return entry;
  }

  #entryOf(offer: OfferIdentity): Entry {
    const key = keyOf(offer);
    const entry = this.#entries.get(key) ?? { class: null, demand: PLAIN, shown: [] };
    this.#entries.set(key, entry);
    return entry;
  }

  #show(entry: Entry): Priced {
    const base = this.#needs.parameter(`price-${entry.class ?? 'tiny'}`);
    const { demand, shown } = entry;
    const price = priceOf({ base, demand, complexity: PLAIN });
    if (entry.class === null) return { price, base, demand };
    const nowMs = this.#needs.clock.now();
    if (shown.at(-1)?.price !== price) shown.push({ price, sinceMs: nowMs });
    // One was shown until the next was.
    while (shown.length > MAX_SHOWN || (shown[1] !== undefined && shown[1].sinceMs < nowMs - QUOTED_FOR_MS))
      shown.shift();
    return { price, base, demand };
  }
}

function keyOf(offer: OfferIdentity): string {
  return `${offerKeyOf(offer)} ${offer.sha256 ?? ''} ${offer.embeds ?? ''}`;
}
