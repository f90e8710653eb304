/** What the mesh offers now, and which model the visitor wants. */
import * as v from 'valibot';
import type { ModelId } from '@llmesh/core/base/ids';
import type { Offers as OffersMessage } from '@llmesh/core/wire/control-protocol';
import { CHAT, OfferSchema, taskOf, type Offer } from '@llmesh/core/wire/model-advert';
import { fileOf, findOffer, offerName } from '@llmesh/core/policy/offer-name';
import { freeSlots, trustOf } from '@llmesh/core/policy/best-offer';
import type { AskedModel } from './chat/turn.ts';
import { KeptRecord } from './kept/kept-record.svelte.ts';
import { TINY_MODEL } from './tiny-model.ts';
import type { Store } from './store.ts';

export interface OffersNeeds {
  store: Store;
  failed: (error: unknown) => void;
}

export class Offers {
  #offered = $state.raw<Offer[]>([]);
  /** Has the mesh said anything yet? */
  #known = $state(false);
  /** The model that the visitor picked, in any tab, as it was then; null: they leave it to the page. */
  readonly #picked: KeptRecord<Offer | null>;
  /** The same as it was when somebody last lent it. */
  #seen = $state.raw<Offer | null>(null);

  constructor({ store, failed }: OffersNeeds) {
    this.#picked = new KeptRecord({
      store,
      key: 'record/model',
      version: 1,
      parse: parseOffer,
      initial: null,
      old: { key: 'model', read: parseOffer },
      failed,
    });
  }

  get known(): boolean {
    return this.#known;
  }

  /** Known before unknown, large models before the tiny one, widely lent before rare. A wanted model that nobody has stays, with 0 providers. */
  get all(): Offer[] {
    const wanted = this.#wanted;
    if (wanted === null || this.find(offerName(wanted)) !== null) return this.#offered;
    return [...this.#offered, wanted];
  }

  /** The visitor picked none: the page may choose. */
  get left(): boolean {
    return this.#wanted === null;
  }

  /** The model that the next question goes to; null while nobody lends any. */
  get chosen(): Offer | null {
    const wanted = this.#wanted;
    if (wanted !== null) return this.find(offerName(wanted)) ?? wanted;
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
    const offer = this.find(name);
    if (offer === null) return;
    const picked = gone(offer);
    void this.#picked.change(() => picked);
  }

  take(message: OffersMessage): void {
    this.#known = true;
    // The others are for programs: nobody chats with them.
    this.#offered = message.models.filter((offer) => offer.providers > 0 && taskOf(offer) === CHAT).sort(byUse);
    const wanted = this.#wanted;
    const now = wanted === null ? null : this.find(offerName(wanted));
    if (now !== null) this.#seen = gone(now);
  }

  async restore(): Promise<void> {
    await this.#picked.restore();
  }

  get #wanted(): Offer | null {
    const picked = this.#picked.value;
    if (picked === null || this.#seen === null) return picked;
    return offerName(this.#seen) === offerName(picked) ? this.#seen : picked;
  }
}

function parseOffer(value: unknown): Offer | null {
  const offer = v.safeParse(OfferSchema, value);
  return offer.success ? gone(offer.output) : null;
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

/** As it is when nobody lends it. */
function gone(offer: Offer): Offer {
  return { ...offer, providers: 0, slots: 0, busySlots: 0, queued: 0, freeSlots: 0, tokensPerSecond: null };
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
