/**
 * Which peers are here and what they offer. Plain data and arithmetic on the clock: sockets and timers are elsewhere. A
 * peer stays as long as its connection does; what a provider offers counts only while its heartbeats come.
 */
import type { Catalogue } from '@llmesh/core/policy/catalogue';
import type { Clock } from '@llmesh/core/base/clock';
import type { PeerId } from '@llmesh/core/base/ids';
import { offerKeyOf, offerKey, type OfferRef, type OfferKey } from '@llmesh/core/policy/offer-key';
import type { Offers, ToServer } from '@llmesh/core/wire/control-protocol';
import type { ModelAdvert } from '@llmesh/core/wire/model-advert';
import type { PeerSummary, Stats } from '@llmesh/core/wire/api-pages';
import { hasProviders, isOf, OfferIndex, type Offered, type OfferGroup } from './offer-index.ts';
import { OfferRanks, RANK_MS } from './offer-ranks.ts';
import { offersOf } from './offers.ts';
import { MOST_UNITS_PER_SECOND } from '../receipts/receipt-limits.ts';
import { TokenMeter } from './token-meter.ts';
import {
  type Agent,
  type RegisteredPeer,
  hasFreeSlot,
  isShunned,
  modelOf,
  availabilityOf,
  AVAILABILITIES,
  type Availability,
} from './registered-peer.ts';

export const HEARTBEAT_MS = 1000;
/** Silent for longer: nobody is sent there, but it may only be a hiccup. */
export const QUIET_MS = 3500;
/** Silent for longer: not a provider until it is heard again. */
export const GONE_MS = 5000;

/** No more waiting tasks count for a provider, whatever it claims. */
const MAX_QUEUED_PER_SLOT = 64;
/** One slot writes no more in a second, on any computer that we know. */
const MOST_TOKENS_PER_SLOT = 1_000;
const NONE: ReadonlySet<OfferKey> = new Set();
type Advert = Extract<ToServer, { type: 'advert' }>;
type Heartbeat = Extract<ToServer, { type: 'heartbeat' }>;

/** What a question requires of its provider. */
export interface Wanted extends OfferRef {
  /** The SHA-256 of the file; null: a file without a stated hash. Left out: the one that the id means. */
  sha256?: string | null | undefined;
}

export class Registry {
  /** This provider has a free slot now, and had none before, or not with this model. */
  onFreeSlot: ((peer: RegisteredPeer) => void) | null = null;
  /** Are strangers kept from this provider of this model? Null: nobody judges. */
  shuns: ((peer: PeerId, model: Offered) => boolean) | null = null;
  readonly #clock: Clock;
  readonly #peers = new Map<PeerId, RegisteredPeer>();
  readonly #index = new OfferIndex();
  readonly #meter: TokenMeter;
  #firsts = { changes: -1, untilMs: -Infinity, groups: new Map<OfferKey, OfferGroup>() };
  /** Which offers are meant, and what their providers' words are worth. */
  readonly ranks: OfferRanks;

  constructor(clock: Clock, catalogue: Catalogue = { models: [] }) {
    this.#clock = clock;
    this.ranks = new OfferRanks(clock, catalogue, (peer) => this.silentMs(peer) < GONE_MS);
    this.#meter = new TokenMeter(clock);
  }

  /** A new connection of this peer. Forgets what an older one offered. `network`: its origin; left out: its own. */
  join(peerId: PeerId, agent: Agent, network: string = peerId): RegisteredPeer {
    const before = this.#peers.get(peerId);
    if (before !== undefined) this.leave(before);
    const now = Math.floor(this.#clock.now());
    const peer: RegisteredPeer = {
      peerId,
      agent,
      sinceMs: now,
      network,
      beatMs: now,
      heardMs: now,
      models: [],
      slots: 0,
      busySlots: 0,
      queued: 0,
      promised: 0,
      hidden: false,
      certificate: null,
      shunned: NONE,
    };
    this.#peers.set(peerId, peer);
    return peer;
  }

  /** Does nothing when the peer has left or joined again since. */
  leave(peer: RegisteredPeer): void {
    if (this.#peers.get(peer.peerId) !== peer) return;
    this.#offer(peer, [], 0);
    this.#peers.delete(peer.peerId);
  }

  heard(peer: RegisteredPeer): void {
    peer.heardMs = Math.floor(this.#clock.now());
    if (!peer.hidden) return;
    peer.hidden = false;
    this.#place(peer);
    this.#tellRoom(peer);
  }

  find(peerId: PeerId): RegisteredPeer | null {
    return this.#peers.get(peerId) ?? null;
  }

  /** How long nothing has been heard of it. */
  silentMs(peer: RegisteredPeer): number {
    return this.#clock.now() - peer.heardMs;
  }

  advert(peer: RegisteredPeer, { models, slots, certificate }: Omit<Advert, 'type'>): void {
    if (this.#peers.get(peer.peerId) !== peer) return;
    peer.certificate = certificate;
    // A model named twice would count twice.
    const unique = new Map(models.map((model) => [offerKeyOf(model), model]));
    this.#offer(peer, slots === 0 ? [] : [...unique.values()], slots);
    this.#tellRoom(peer);
  }

  heartbeat(peer: RegisteredPeer, beat: Heartbeat): void {
    const hadRoom = hasFreeSlot(peer);
    peer.busySlots = Math.min(beat.busySlots, peer.slots);
    peer.queued = Math.min(beat.queued, peer.slots * MAX_QUEUED_PER_SLOT);
    // With several models nobody knows which of them was measured.
    const [only, ...others] = peer.models;
    const { unitsPerSecond: tokensPerSecond } = beat;
    if (tokensPerSecond !== undefined && only !== undefined && others.length === 0) {
      if (only.tokensPerSecond !== tokensPerSecond) peer.models = [{ ...only, tokensPerSecond }];
    }
    if (peer.models.length > 0) this.#meter.add(this.#written(peer, beat.units));
    peer.beatMs = this.#clock.now();
    this.#changed(peer, hadRoom);
  }

  /** What it claims to have written since its last heartbeat, as far as any computer can. */
  #written({ beatMs, slots }: RegisteredPeer, units: number): number {
    const seconds = Math.min(this.#clock.now() - beatMs, GONE_MS) / 1000;
    return Math.min(units, seconds * Math.min(slots * MOST_TOKENS_PER_SLOT, MOST_UNITS_PER_SECOND));
  }

  /** This many more of its slots are reserved; negative: fewer. */
  promise(peer: RegisteredPeer, slots: number): void {
    const hadRoom = hasFreeSlot(peer);
    peer.promised += slots;
    this.#changed(peer, hadRoom);
  }

  /** The offer that a question is about; null: there is none. */
  meant(wanted: Wanted): OfferGroup | null {
    const { sha256 } = wanted;
    const key = offerKey(wanted);
    if (sha256 === undefined) return this.#usual(key);
    for (const group of this.#index.groups(key)) if (group.sha256 === sha256) return group;
    return null;
  }

  groupOf(model: Offered): OfferGroup | null {
    return this.#index.group(model);
  }

  /**
   * Visits recently heard providers of an offer, in no order, until `visit` returns true. The registry must not be
   * changed until the walk ends.
   */
  matchable(
    group: OfferGroup | null,
    availability: Exclude<Availability, 'silent'>,
    random: () => number,
    visit: (peer: RegisteredPeer) => boolean,
  ): void {
    const heardSinceMs = this.#clock.now() - QUIET_MS;
    let silent: RegisteredPeer[] | null = null;
    group?.bags[availability].walk(random, (peer) => {
      if (peer.heardMs > heardSinceMs) return visit(peer);
      (silent ??= []).push(peer);
      return false;
    });
    // Then nobody walks past them again.
    if (silent !== null) for (const peer of silent as RegisteredPeer[]) this.#hide(peer);
  }

  isOffered(offer: OfferKey): boolean {
    return this.#index.has(offer);
  }

  /** Providers of this offer that are here, recently heard or not, and that `suits` accepts. At most `most`. */
  present(group: OfferGroup | null, most: number, suits: (peer: RegisteredPeer) => boolean): RegisteredPeer[] {
    const found: RegisteredPeer[] = [];
    for (const availability of AVAILABILITIES) {
      group?.bags[availability].walk(first, (peer) => {
        if (found.length < most && this.isPresent(peer, { task: group.task, model: group.id }) && suits(peer))
          found.push(peer);
        return found.length >= most;
      });
    }
    return found;
  }

  isPresent(peer: RegisteredPeer, asked: OfferRef): boolean {
    return modelOf(peer, asked) !== null && this.silentMs(peer) < GONE_MS;
  }

  /** May it be sent a task, judging by its heartbeats? */
  isHeard(peer: RegisteredPeer): boolean {
    if (!peer.hidden && this.silentMs(peer) >= QUIET_MS) this.#hide(peer);
    return !peer.hidden;
  }

  /** The peers that are here, in the order in which they came. */
  listed(): RegisteredPeer[] {
    return this.#present();
  }

  /** Leaves out the adapters of its models: there can be hundreds. */
  summary({ peerId, agent, models, slots, busySlots, queued, sinceMs }: RegisteredPeer): PeerSummary {
    return {
      peerId,
      agent,
      slots,
      busySlots,
      queued,
      models: models.map(withoutAdapters),
      sinceSeconds: Math.floor((this.#clock.now() - sinceMs) / 1000),
    };
  }

  offers(): Offers {
    const { ranks } = this;
    return offersOf(this.#present(), {
      witness: (peer, model) => ranks.witness(peer, model),
      catalogued: (model) => ranks.catalogued(model),
      groupOf: (model) => this.#index.group(model),
      compare: (a, b) => ranks.compare(a, b),
    });
  }

  totals(): Omit<Stats, 'uptimeSeconds' | 'matches' | 'waiting'> & { promised: number } {
    const totals = { peers: 0, providers: 0, slots: 0, busySlots: 0, queued: 0, promised: 0 };
    for (const peer of this.#present()) {
      totals.peers++;
      if (peer.models.length > 0) totals.providers++;
      totals.slots += peer.slots;
      totals.busySlots += peer.busySlots;
      totals.queued += peer.queued;
      totals.promised += peer.promised;
    }
    return { ...totals, tokensPerSecond: this.#meter.tokensPerSecond };
  }

  /** Providers may fall silent; a peer that only asks is here as long as it is connected. */
  #present(): RegisteredPeer[] {
    const now = this.#clock.now();
    return [...this.#peers.values()].filter((peer) => peer.models.length === 0 || now - peer.heardMs < GONE_MS);
  }

  /** The first offer with this key, as of a moment ago: many may ask, and one id may have many offers. */
  #usual(offer: OfferKey): OfferGroup | null {
    const now = this.#clock.now();
    if (this.#firsts.changes !== this.#index.changes || now >= this.#firsts.untilMs) {
      this.#firsts = { changes: this.#index.changes, untilMs: now + RANK_MS, groups: new Map() };
    }
    const known = this.#firsts.groups.get(offer);
    if (known !== undefined) return known;
    const all = [...this.#index.groups(offer)];
    // A file whose only providers are shunned must not take the name from an honest one.
    const groups = all.length > 1 ? all.filter(hasProviders) : all;
    const group = groups.length > 1 ? this.ranks.first(groups) : (groups[0] ?? all[0] ?? null);
    if (group !== null) this.#firsts.groups.set(offer, group);
    return group;
  }

  #offer(peer: RegisteredPeer, models: ModelAdvert[], slots: number): void {
    const { tenure } = this.ranks;
    const before = peer.models;
    for (const model of before) this.#index.remove(model, peer);
    for (const model of models) tenure.begin(peer.peerId, model);
    const isGone = (one: ModelAdvert) =>
      !models.some((model) => offerKeyOf(model) === offerKeyOf(one) && isOf(one, model));
    for (const model of before) if (isGone(model)) tenure.end(peer.peerId, model);
    peer.models = models;
    peer.slots = models.length === 0 ? 0 : slots;
    peer.busySlots = Math.min(peer.busySlots, peer.slots);
    if (peer.slots === 0) peer.queued = 0;
    peer.shunned = this.#shunnedOf(peer);
    this.#place(peer);
  }

  /** What `shuns` says about this peer has changed. */
  judged(peer: RegisteredPeer): void {
    if (this.#peers.get(peer.peerId) !== peer) return;
    peer.shunned = this.#shunnedOf(peer);
    // The id alone may mean another offer now.
    this.#index.changes++;
    this.#place(peer);
    this.#tellRoom(peer);
  }

  #shunnedOf({ peerId, models }: RegisteredPeer): ReadonlySet<OfferKey> {
    const { shuns } = this;
    const shunned = shuns === null ? [] : models.filter((model) => shuns(peerId, model));
    return shunned.length === 0 ? NONE : new Set(shunned.map(offerKeyOf));
  }

  #changed(peer: RegisteredPeer, hadRoom: boolean): void {
    if (hasFreeSlot(peer) === hadRoom || peer.hidden) return;
    this.#place(peer);
    if (!hadRoom) this.#tellRoom(peer);
  }

  #place(peer: RegisteredPeer): void {
    for (const model of peer.models) {
      const shunned = isShunned(peer, { task: model.task, model: model.id });
      this.#index.put(model, peer, shunned ? 'shunned' : availabilityOf(peer, model));
    }
  }

  #tellRoom(peer: RegisteredPeer): void {
    if (peer.models.length > 0 && hasFreeSlot(peer) && this.isHeard(peer)) this.onFreeSlot?.(peer);
  }

  #hide(peer: RegisteredPeer): void {
    peer.hidden = true;
    this.#place(peer);
  }
}

function withoutAdapters(model: ModelAdvert): ModelAdvert {
  const plain = { ...model };
  delete plain.adapters;
  return plain;
}

/** No chance: starts from the first. */
function first(): number {
  return 0;
}
