/**
 * Which providers offer what. Providers of one offer have the same file under the same id, for the same task, as far as
 * they say: one that says otherwise has an offer of its own. For each offer: those with a free slot, those with one
 * whose model is out of memory, those without, those that fell silent, and those that strangers are kept from.
 */
import { offerKeyOf, type OfferKey } from '@llmesh/core/policy/offer-key';
import type { ModelAdvert } from '@llmesh/core/wire/model-advert';
import { Bag } from './bag.ts';
import { type RegisteredPeer, AVAILABILITIES } from './registered-peer.ts';

/** The fields that two adverts of one offer share. */
export type Offered = Pick<ModelAdvert, 'task' | 'id' | 'sha256' | 'embeds'>;

/** `shunned`: those that strangers are not sent to, however available they are. */
const PLACES = [...AVAILABILITIES, 'shunned'] as const;
export type Place = (typeof PLACES)[number];

export interface OfferGroup extends Offered {
  readonly bags: Readonly<Record<Place, Bag<RegisteredPeer>>>;
}

export class OfferIndex {
  /** Counts how often offers came and went. */
  changes = 0;
  readonly #offers = new Map<OfferKey, Map<string, OfferGroup>>();

  /** Moves the provider there from where it was. */
  put(model: Offered, peer: RegisteredPeer, place: Place): void {
    const group = this.group(model) ?? this.#open(model);
    for (const other of PLACES) if (other !== place) group.bags[other].remove(peer);
    group.bags[place].add(peer);
  }

  remove(model: Offered, peer: RegisteredPeer): void {
    const group = this.group(model);
    if (group === null) return;
    for (const place of PLACES) group.bags[place].remove(peer);
    if (PLACES.some((place) => group.bags[place].size > 0)) return;
    const key = offerKeyOf(model);
    const groups = this.#offers.get(key);
    this.changes++;
    groups?.delete(nameOf(model));
    if (groups?.size === 0) this.#offers.delete(key);
  }

  has(offer: OfferKey): boolean {
    return this.#offers.has(offer);
  }

  /** The offers of this kind and id, one for each file. */
  groups(offer: OfferKey): Iterable<OfferGroup> {
    return this.#offers.get(offer)?.values() ?? [];
  }

  group(model: Offered): OfferGroup | null {
    return this.#offers.get(offerKeyOf(model))?.get(nameOf(model)) ?? null;
  }

  #open(model: Offered): OfferGroup {
    const { task, id, sha256, embeds } = model;
    const key = offerKeyOf(model);
    const available = { free: new Bag<RegisteredPeer>(), resting: new Bag<RegisteredPeer>() };
    const others = { full: new Bag<RegisteredPeer>(), silent: new Bag<RegisteredPeer>() };
    const bags: OfferGroup['bags'] = { ...available, ...others, shunned: new Bag() };
    const group = { task, id, sha256, embeds, bags };
    const groups = this.#offers.get(key) ?? new Map<string, OfferGroup>();
    this.changes++;
    this.#offers.set(key, groups.set(nameOf(model), group));
    return group;
  }
}

function nameOf({ sha256, embeds }: Offered): string {
  return embeds === undefined ? (sha256 ?? '') : `${sha256 ?? ''} ${embeds}`;
}

/** Is there anyone to send a stranger to, now or when it is heard again? */
export function hasProviders({ bags }: OfferGroup): boolean {
  return AVAILABILITIES.some((availability) => bags[availability].size > 0);
}

/** Does this model belong to that offer, given the same kind and id? */
export function isOf(offered: Offered, { sha256, embeds }: Offered): boolean {
  return offered.sha256 === sha256 && offered.embeds === embeds;
}
