/** What the mesh offers now, and which model the visitor wants. */
import * as v from 'valibot';
import type { ModelId } from '@llmesh/core/base/ids';
import type { Offers as OffersMessage } from '@llmesh/core/wire/control-protocol';
import { CHAT, OfferSchema, taskOf, type Offer } from '@llmesh/core/wire/model-advert';
import { fileOf, findOffer, offerName } from '@llmesh/core/policy/offer-name';
import { freeSlots, trustOf } from '@llmesh/core/policy/best-offer';
import type { AskedModel } from './chat/turn.ts';
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
  /** What the visitor picked, as `offerName` names it; null: they leave it to the page. */
  #wanted = $state<string | null>(null);
  /** The wanted model as it was when somebody last lent it. */
  #lastSeen = $state.raw<Offer | null>(null);

  constructor(needs: OffersNeeds) {
    this.#needs = needs;
  }

  get known(): boolean {
    return this.#known;
  }

  /** Known before unknown, large models before the tiny one, widely lent before rare. A wanted model that nobody has stays, with 0 providers. */
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
      if (wanted !== null && offerName(wanted) === this.#wanted) return wanted;
    }
    // A visitor who did not choose a model of unknown standing gets one only if there is nothing else.
    const known = this.#offered.filter((offer) => trustOf(offer) > 0);
    const open = known.length > 0 ? known : this.#offered;
    return open.find(isFree) ?? open[0] ?? null;
  }

  get chosenModel(): AskedModel | null {
    return this.chosen === null ? null : asked(this.chosen);
  }

  /** Whether somebody lends it now. */
  find(name: string): Offer | null {
    return findOffer(this.#offered, name);
  }

  /** Another model that would start now. */
  freeBesides(id: ModelId | null): Offer | null {
    return this.#offered.find((offer) => offer.id !== id && isFree(offer)) ?? null;
  }

  choose(name: string): void {
    this.#wanted = name;
    this.#lastSeen = gone(this.find(name) ?? this.#lastSeen);
    this.#needs.store.set([[KEY, this.#lastSeen]]).catch(this.#needs.failed);
  }

  take(message: OffersMessage): void {
    this.#known = true;
    // The others are for programs: nobody chats with them.
    this.#offered = message.models.filter((offer) => offer.providers > 0 && taskOf(offer) === CHAT).sort(byUse);
    if (this.#wanted === null) return;
    const seen = this.find(this.#wanted);
    if (seen !== null) this.#lastSeen = gone(seen);
  }

  async restore(): Promise<void> {
    const kept = v.safeParse(OfferSchema, await this.#needs.store.get(KEY));
    if (!kept.success) return;
    this.#wanted = offerName(kept.output);
    this.#lastSeen = gone(kept.output);
  }
}

export function isFree(offer: Offer): boolean {
  if (offer.freeSlots !== undefined) return freeSlots(offer) > 0;
  return offer.providers > 0 && offer.busySlots + offer.queued < offer.slots;
}

export function asked(model: Pick<Offer, 'id' | 'name' | 'quant' | 'sha256' | 'alternative'>): AskedModel {
  const { id, name, quant } = model;
  const sha256 = fileOf(model);
  return { id, name, quant, ...(sha256 !== undefined && { sha256 }) };
}

/** The name of its offer. */
export function askedName({ id, sha256 }: Pick<AskedModel, 'id' | 'sha256'>): string {
  return offerName({ id, sha256, alternative: sha256 !== undefined });
}

function gone(offer: Offer | null): Offer | null {
  return offer === null
    ? null
    : { ...offer, providers: 0, slots: 0, busySlots: 0, queued: 0, freeSlots: 0, tokensPerSecond: null };
}

function byUse(a: Offer, b: Offer): number {
  const unknown = (offer: Offer) => Number(trustOf(offer) === 0);
  return (
    unknown(a) - unknown(b) ||
    Number(a.id === TINY_MODEL) - Number(b.id === TINY_MODEL) ||
    Number(a.alternative === true) - Number(b.alternative === true) ||
    b.providers - a.providers ||
    a.name.localeCompare(b.name)
  );
}
