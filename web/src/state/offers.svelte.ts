/** What the mesh offers now, and which model the visitor wants. */
import * as v from 'valibot';
import type { ModelId } from '@llmesh/core/ids';
import type { Offers as OffersMessage } from '@llmesh/core/control-protocol';
import { OfferSchema, type Offer } from '@llmesh/core/model-advert';
import type { AskedModel } from './turn.ts';
import { TINY_MODEL } from './tiny-model.ts';
import type { Store } from './store.ts';

const KEY = 'model';

export interface OffersNeeds {
  store: Store;
  failed: (error: unknown) => void;
}

export class Offers {
  readonly #needs: OffersNeeds;
  #offered = $state.raw<Offer[]>([]);
  /** Has the mesh said anything yet? */
  #known = $state(false);
  /** What the visitor picked; null: they leave it to the page. */
  #wanted = $state<ModelId | null>(null);
  /** The wanted model as it was when somebody last lent it. */
  #lastSeen = $state.raw<Offer | null>(null);

  constructor(needs: OffersNeeds) {
    this.#needs = needs;
  }

  get known(): boolean {
    return this.#known;
  }

  /** Large models before the tiny one, widely lent before rare. A wanted model that nobody has stays, with 0 providers. */
  get all(): Offer[] {
    const wanted = this.#wanted;
    if (wanted === null || this.find(wanted) !== null || this.#lastSeen === null) return this.#offered;
    return [...this.#offered, this.#lastSeen];
  }

  /** The visitor picked none: the page may choose. */
  get left(): boolean {
    return this.#wanted === null;
  }

  /** The model that the next question goes to; null while nobody lends any. */
  get chosen(): Offer | null {
    if (this.#wanted !== null) {
      const wanted = this.find(this.#wanted) ?? this.#lastSeen;
      if (wanted?.id === this.#wanted) return wanted;
    }
    return this.#offered.find(isFree) ?? this.#offered[0] ?? null;
  }

  get chosenModel(): AskedModel | null {
    return this.chosen === null ? null : asked(this.chosen);
  }

  /** Somebody lends it now. */
  find(id: ModelId): Offer | null {
    return this.#offered.find((offer) => offer.id === id) ?? null;
  }

  /** Another model that would start now. */
  freeBesides(id: ModelId | null): Offer | null {
    return this.#offered.find((offer) => offer.id !== id && isFree(offer)) ?? null;
  }

  choose(id: ModelId): void {
    this.#wanted = id;
    this.#lastSeen = gone(this.find(id) ?? this.#lastSeen);
    this.#needs.store.set([[KEY, this.#lastSeen]]).catch(this.#needs.failed);
  }

  take(message: OffersMessage): void {
    this.#known = true;
    // Models that embed are for programs: nobody chats with them.
    this.#offered = message.models.filter((offer) => offer.providers > 0 && offer.embeds === undefined).sort(byUse);
    if (this.#wanted === null) return;
    const seen = this.find(this.#wanted);
    if (seen !== null) this.#lastSeen = gone(seen);
  }

  async restore(): Promise<void> {
    const kept = v.safeParse(OfferSchema, await this.#needs.store.get(KEY));
    if (!kept.success) return;
    this.#wanted = kept.output.id;
    this.#lastSeen = gone(kept.output);
  }
}

export function isFree(offer: Offer): boolean {
  return offer.providers > 0 && offer.busySlots + offer.queued < offer.slots;
}

export function asked({ id, name, quant }: AskedModel): AskedModel {
  return { id, name, quant };
}

function gone(offer: Offer | null): Offer | null {
  return offer === null ? null : { ...offer, providers: 0, slots: 0, busySlots: 0, queued: 0, tokensPerSecond: null };
}

function byUse(a: Offer, b: Offer): number {
  return (
    Number(a.id === TINY_MODEL) - Number(b.id === TINY_MODEL) ||
    b.providers - a.providers ||
    a.name.localeCompare(b.name)
  );
}
