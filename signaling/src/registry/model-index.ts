/**
 * Which providers offer what. Providers of one offer lend the same file under the same id, for the same task, as far as they
 * say: whoever says something else has an offer of their own. Of each offer: those with a free slot, those with one whose
 * model is out of memory, those without, and those that fell silent.
 */
import type { ModelId } from '@llmesh/core/base/ids';
import type { ModelAdvert } from '@llmesh/core/wire/model-advert';
import { Bag } from './bag.ts';
import { type RegisteredPeer, AVAILABILITIES, type Availability } from './registered-peer.ts';

/** What makes two adverts one offer. */
export type Offered = Pick<ModelAdvert, 'id' | 'sha256' | 'embeds'>;

export interface OfferGroup extends Offered {
  readonly bags: Readonly<Record<Availability, Bag<RegisteredPeer>>>;
}

export class ModelIndex {
  /** How often offers came and went. */
  changes = 0;
  readonly #models = new Map<ModelId, Map<string, OfferGroup>>();

  /** Takes it out of where it was. */
  put(model: Offered, peer: RegisteredPeer, availability: Availability): void {
    const group = this.group(model) ?? this.#open(model);
    for (const other of AVAILABILITIES) if (other !== availability) group.bags[other].remove(peer);
    group.bags[availability].add(peer);
  }

  remove(model: Offered, peer: RegisteredPeer): void {
    const group = this.group(model);
    if (group === null) return;
    for (const availability of AVAILABILITIES) group.bags[availability].remove(peer);
    if (AVAILABILITIES.some((availability) => group.bags[availability].size > 0)) return;
    const groups = this.#models.get(model.id);
    this.changes++;
    groups?.delete(nameOf(model));
    if (groups?.size === 0) this.#models.delete(model.id);
  }

  has(model: ModelId): boolean {
    return this.#models.has(model);
  }

  /** Whatever is offered under this id. */
  groups(model: ModelId): Iterable<OfferGroup> {
    return this.#models.get(model)?.values() ?? [];
  }

  group(model: Offered): OfferGroup | null {
    return this.#models.get(model.id)?.get(nameOf(model)) ?? null;
  }

  #open(model: Offered): OfferGroup {
    const { id, sha256, embeds } = model;
    const bags: OfferGroup['bags'] = { free: new Bag(), resting: new Bag(), full: new Bag(), silent: new Bag() };
    const group = { id, sha256, embeds, bags };
    const groups = this.#models.get(id) ?? new Map<string, OfferGroup>();
    this.changes++;
    this.#models.set(id, groups.set(nameOf(model), group));
    return group;
  }
}

function nameOf({ sha256, embeds }: Offered): string {
  return embeds === undefined ? (sha256 ?? '') : `${sha256 ?? ''} ${embeds}`;
}

/** Whether this model is of that offer, where it has the same id. */
export function isOf(offered: Offered, { sha256, embeds }: Offered): boolean {
  return offered.sha256 === sha256 && offered.embeds === embeds;
}
