/**
 * Which of several offers with one id the id alone means, and how fast a provider may claim to be. Anyone may claim any
 * id: so neither the first nor the loudest decides, but the catalogue, then receipts, then how widely and how long
 * something is offered.
 */
import type { Catalogue, CatalogueModel } from '@llmesh/core/policy/catalogue';
import type { Clock } from '@llmesh/core/base/clock';
import type { ModelId, PeerId } from '@llmesh/core/base/ids';
import { offerKeyOf, type OfferKey } from '@llmesh/core/policy/offer-key';
import { CHAT, taskOf, type ModelAdvert } from '@llmesh/core/wire/model-advert';
import { middle, weightsOf, type Witness } from './agreed.ts';
import { type OfferGroup, type Offered } from './offer-index.ts';
import { Tenure } from './tenure.ts';
import { type RegisteredPeer, AVAILABILITIES } from './registered-peer.ts';

/** An offer's providers are not added up for every match. */
export const RANK_MS = 1_000;
/** Those with the longest connections speak for all. */
const MAX_WITNESSES = 1_024;
/** Slots of one provider that count in a choice, however trusted it is; without any receipts, one. */
const MOST_COUNTED_SLOTS = 8;

/** What the control plane knows about a provider beyond its own word. */
export interface Books {
  /** How many others have receipts for what it delivered lately; 0: none. */
  record(peer: PeerId): number;
  /** The speed to use: as stated, or according to its receipts. */
  speed(peer: PeerId, offer: OfferKey, advertised: number | null): number | null;
  /** Do receipts say how fast it is with this model? */
  isMeasured(peer: PeerId, offer: OfferKey): boolean;
}

/** Before there are any records: every provider is a stranger. */
export const EMPTY_BOOKS: Books = {
  record: () => 0,
  speed: (_, __, advertised) => advertised,
  isMeasured: () => false,
};

interface OfferRank {
  catalogued: boolean;
  /** The record of all its providers together, in powers of two: one receipt more or less changes nothing. */
  record: number;
  networks: number;
  tenureMs: number;
  /** The most that an unmeasured provider's speed counts; null: nobody states a speed. */
  tokensPerSecond: number | null;
}

export class OfferRanks {
  readonly tenure: Tenure;
  books: Books = EMPTY_BOOKS;
  readonly #clock: Clock;
  readonly #catalogue: ReadonlyMap<ModelId, CatalogueModel>;
  readonly #isPresent: (peer: RegisteredPeer) => boolean;
  readonly #known = new WeakMap<OfferGroup, { rank: OfferRank; untilMs: number }>();

  constructor(clock: Clock, catalogue: Catalogue, isPresent: (peer: RegisteredPeer) => boolean) {
    this.#clock = clock;
    this.#catalogue = new Map(catalogue.models.map((model) => [model.id, model]));
    this.#isPresent = isPresent;
    this.tenure = new Tenure(clock);
  }

  /** The catalogue's entry for this, if it has one. */
  catalogued(offered: Offered): CatalogueModel | null {
    const { id, sha256 } = offered;
    const model = this.#catalogue.get(id);
    if (model === undefined || taskOf(offered) !== CHAT) return null;
    const pinned = model.format === 'gguf' ? model.sha256 : null;
    const same = model.format === 'mlc' ? sha256 === null : pinned === null || sha256 === pinned;
    return same ? model : null;
  }

  /** The offer that is meant; null: there is none. */
  first(groups: Iterable<OfferGroup>): OfferGroup | null {
    let best: OfferGroup | null = null;
    for (const group of groups) if (best === null || this.compare(group, best) < 0) best = group;
    return best;
  }

  /** The most trusted comes first. */
  compare(a: OfferGroup, b: OfferGroup): number {
    const [one, other] = [this.#of(a), this.#of(b)];
    return (
      Number(other.catalogued) - Number(one.catalogued) ||
      other.record - one.record ||
      other.networks - one.networks ||
      other.tenureMs - one.tenureMs ||
      ((a.sha256 ?? '') < (b.sha256 ?? '') ? -1 : 1)
    );
  }

  /** Its own word, where receipts confirm it; without receipts, at most the usual speed of the offer. */
  speed({ peerId }: RegisteredPeer, model: ModelAdvert, group: OfferGroup | null): number | null {
    const { books } = this;
    const offer = offerKeyOf(model);
    const speed = books.speed(peerId, offer, model.tokensPerSecond);
    if (speed === null || group === null || books.isMeasured(peerId, offer)) return speed;
    return Math.min(speed, this.#of(group).tokensPerSecond ?? Infinity);
  }

  /** The provider as a witness for its offer. */
  witness({ peerId, network }: RegisteredPeer, model: Offered): Witness {
    return { record: this.books.record(peerId), network, tenureMs: this.tenure.ms(peerId, model) };
  }

  #of(group: OfferGroup): OfferRank {
    const now = this.#clock.now();
    const known = this.#known.get(group);
    if (known !== undefined && now < known.untilMs) return known.rank;
    const rank = this.#reckon(group);
    this.#known.set(group, { rank, untilMs: now + RANK_MS });
    return rank;
  }

  #reckon(group: OfferGroup): OfferRank {
    const peers = membersOf(group).filter(this.#isPresent);
    const witnesses = peers.map((peer) => this.witness(peer, group));
    return {
      catalogued: this.catalogued(group) !== null,
      record: Math.floor(Math.log2(1 + witnesses.reduce((sum, { record }) => sum + record, 0))),
      networks: new Set(witnesses.map(({ network }) => network)).size,
      tenureMs: Math.max(0, ...witnesses.map(({ tenureMs }) => tenureMs)),
      tokensPerSecond: this.#usualSpeed(group, peers, witnesses),
    };
  }

  /** The usual speed of the measured peers, if there are any, or else of all. */
  #usualSpeed(group: OfferGroup, peers: readonly RegisteredPeer[], witnesses: readonly Witness[]): number | null {
    const { books } = this;
    const offer = offerKeyOf(group);
    const weights = weightsOf(witnesses);
    const words = peers.flatMap((peer, i) => {
      const said = peer.models.find((model) => offerKeyOf(model) === offer)?.tokensPerSecond ?? null;
      const value = books.speed(peer.peerId, offer, said);
      const measured = books.isMeasured(peer.peerId, offer);
      return value === null
        ? []
        : [{ value, measured, weight: weights[i] ?? 0, tenureMs: witnesses[i]?.tenureMs ?? 0 }];
    });
    const measured = words.filter((word) => word.measured);
    return middle(measured.length > 0 ? measured : words);
  }
}

/** How many free slots count when a model is chosen. Claims are free, deliveries are not. */
export function countedSlots(slots: number, free: number, record: number): number {
  return Math.max(0, Math.min(free, slots, 1 + Math.floor(record), MOST_COUNTED_SLOTS));
}

function membersOf({ bags }: OfferGroup): RegisteredPeer[] {
  const members: RegisteredPeer[] = [];
  for (const availability of AVAILABILITIES) {
    bags[availability].walk(
      () => 0,
      (peer) => {
        members.push(peer);
        return false;
      },
    );
  }
  return members.length <= MAX_WITNESSES
    ? members
    : members.toSorted((a, b) => a.sinceMs - b.sinceMs).slice(0, MAX_WITNESSES);
}
