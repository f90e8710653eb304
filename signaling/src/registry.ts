/**
 * Who is here and what they offer. Plain data and arithmetic on the clock: sockets and timers are elsewhere. A peer stays
 * as long as its connection does; what a provider offers counts only while its heartbeats come.
 */
import type { Clock } from '@llmesh/core/clock';
import type { ModelId, PeerId } from '@llmesh/core/ids';
import type { ModelAdvert, Offers, ToServer } from '@llmesh/core/control-protocol';
import type { PeerSummary, Stats } from '@llmesh/core/api-pages';
import { ModelIndex } from './model-index.ts';
import { offersOf } from './offers.ts';
import { TokenMeter } from './token-meter.ts';

export const HEARTBEAT_MS = 1000;
/** Silent for longer: nobody is sent there, but it may only be a hiccup. */
export const QUIET_MS = 3500;
/** Silent for longer: not a provider until it is heard again. */
export const GONE_MS = 5000;

type Agent = PeerSummary['agent'];
type Advert = Extract<ToServer, { type: 'advert' }>;
type Heartbeat = Extract<ToServer, { type: 'heartbeat' }>;

export interface RegisteredPeer {
  readonly peerId: PeerId;
  readonly agent: Agent;
  readonly sinceMs: number;
  heardMs: number;
  models: ModelAdvert[];
  slots: number;
  busySlots: number;
  queued: number;
  /** As in its advert. */
  certificate: string | null;
}

export class Registry {
  readonly #clock: Clock;
  readonly #peers = new Map<PeerId, RegisteredPeer>();
  readonly #index = new ModelIndex();
  readonly #meter: TokenMeter;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#meter = new TokenMeter(clock);
  }

  /** A new connection of this peer. What an older one offered is forgotten. */
  join(peerId: PeerId, agent: Agent): RegisteredPeer {
    const before = this.#peers.get(peerId);
    if (before !== undefined) this.leave(before);
    const now = this.#clock.now();
    const peer: RegisteredPeer = {
      peerId,
      agent,
      sinceMs: now,
      heardMs: now,
      models: [],
      slots: 0,
      busySlots: 0,
      queued: 0,
      certificate: null,
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
    peer.heardMs = this.#clock.now();
  }

  advert(peer: RegisteredPeer, { models, slots, certificate }: Omit<Advert, 'type'>): void {
    if (this.#peers.get(peer.peerId) !== peer) return;
    peer.certificate = certificate;
    // A model named twice would count twice.
    const unique = new Map(models.map((model) => [model.id, model]));
    this.#offer(peer, slots === 0 ? [] : [...unique.values()], slots);
  }

  heartbeat(peer: RegisteredPeer, beat: Heartbeat): void {
    peer.busySlots = Math.min(beat.busySlots, peer.slots);
    peer.queued = peer.slots === 0 ? 0 : beat.queued;
    // With several models nobody knows which of them was measured.
    const [only, ...others] = peer.models;
    if (beat.tokensPerSecond !== undefined && only !== undefined && others.length === 0) {
      peer.models = [{ ...only, tokensPerSecond: beat.tokensPerSecond }];
    }
    if (peer.models.length > 0) this.#meter.add(beat.tokens);
  }

  /** Providers of a model that were heard lately, in no order. */
  *matchable(model: ModelId, random: () => number): Generator<RegisteredPeer> {
    const now = this.#clock.now();
    for (const peer of this.#index.providers(model, random)) if (now - peer.heardMs < QUIET_MS) yield peer;
  }

  summaries(): PeerSummary[] {
    const now = this.#clock.now();
    return this.#present().map((peer) => ({
      peerId: peer.peerId,
      agent: peer.agent,
      models: peer.models,
      slots: peer.slots,
      busySlots: peer.busySlots,
      queued: peer.queued,
      sinceSeconds: Math.floor((now - peer.sinceMs) / 1000),
    }));
  }

  offers(): Offers {
    return offersOf(this.#present());
  }

  totals(): Omit<Stats, 'uptimeSeconds' | 'matches'> {
    const totals = { peers: 0, providers: 0, slots: 0, busySlots: 0, queued: 0 };
    for (const peer of this.#present()) {
      totals.peers++;
      if (peer.models.length > 0) totals.providers++;
      totals.slots += peer.slots;
      totals.busySlots += peer.busySlots;
      totals.queued += peer.queued;
    }
    return { ...totals, tokensPerSecond: this.#meter.tokensPerSecond };
  }

  /** Providers may fall silent; a peer that only asks is here as long as it is connected. */
  #present(): RegisteredPeer[] {
    const now = this.#clock.now();
    return [...this.#peers.values()].filter((peer) => peer.models.length === 0 || now - peer.heardMs < GONE_MS);
  }

  #offer(peer: RegisteredPeer, models: ModelAdvert[], slots: number): void {
    for (const model of peer.models) this.#index.remove(model.id, peer);
    for (const model of models) this.#index.add(model.id, peer);
    peer.models = models;
    peer.slots = models.length === 0 ? 0 : slots;
    peer.busySlots = Math.min(peer.busySlots, peer.slots);
    if (peer.slots === 0) peer.queued = 0;
  }
}
