/**
 * Tells providers that a model of theirs which left the memory will be asked soon, so that nobody has to wait for
 * loading: when those that have it in memory will not suffice. When all others are full, a question is sent to a
 * resting one anyway, which makes it load the model. What is asked for at this time on most days is loaded before anybody asks: the
 * first question of the morning has not to wait, either.
 */
import type { Clock } from '@llmesh/core/base/clock';
import type { ModelAdvert } from '@llmesh/core/wire/model-advert';
import type { PeerId } from '@llmesh/core/base/ids';
import { offerKeyOf, readOfferKey, type OfferKey } from '@llmesh/core/policy/offer-key';
import { BoundedMap } from '@llmesh/core/base/bounded-map';
import { SeasonalRate } from '@llmesh/core/policy/forecast';
import { Demand } from './demand.ts';
import type { Matchmaker } from './matchmaker.ts';
import type { Registry } from '../registry/registry.ts';
import { modelOf, type RegisteredPeer } from '../registry/registered-peer.ts';

/** Questions come in bursts: they are handled together. */
export const GATHER_MS = 250;
/** A provider is told about one model, then about none for this long: its owner offered no disk to be read all day. */
export const AGAIN_MS = 60_000;
/** How far we look ahead, and how often: people are not punctual, and the largest models take minutes to load. */
const AHEAD_MS = 1_800_000;
export const FORESEE_MS = 60_000;
/** Offers whose past is remembered, some 8 KB each; those not asked for longest are forgotten first. */
const MAX_FORESEEN = 500;
/** We wait this many times the loading time that it states, and a little more. */
const PATIENCE = { times: 3, ms: 5_000 };

export interface PreloadingOptions {
  clock: Clock;
  registry: Registry;
  matchmaker: Matchmaker;
  /** The number in the queue of this offer. */
  waiting: (offer: OfferKey) => number;
  expect: (provider: PeerId, offer: OfferKey) => void;
  /** Milliseconds since 1970. Left out: nothing is foreseen from the days before. */
  now?: () => number;
}

interface Told {
  offer: OfferKey;
  atMs: number;
  /** When it should have loaded the model. */
  untilMs: number;
}

export class Preloading {
  readonly #options: PreloadingOptions;
  readonly #demand: Demand;
  /** The oldest first. */
  readonly #told = new Map<RegisteredPeer, Told>();
  readonly #touched = new Set<OfferKey>();
  readonly #foreseen = new BoundedMap<OfferKey, SeasonalRate>(MAX_FORESEEN);
  #stopForeseeing = () => {};
  #stopTimer: (() => void) | null = null;
  #closed = false;

  constructor(options: PreloadingOptions) {
    this.#options = options;
    this.#demand = new Demand(options.clock);
    const { now, clock } = options;
    if (now !== undefined) this.#stopForeseeing = clock.after(FORESEE_MS, () => this.#foresee(now));
  }

  /** Any provider may answer it. */
  asked(offer: OfferKey): void {
    const { clock, registry } = this.#options;
    if (this.#closed || !registry.isOffered(offer)) return;
    this.#demand.asked(offer);
    this.#remember(offer);
    this.#touched.add(offer);
    this.#stopTimer ??= clock.after(GATHER_MS, () => this.#look());
  }

  /** A question was sent there, which makes it load the model. */
  sent(provider: PeerId, model: ModelAdvert): void {
    const peer = this.#options.registry.find(provider);
    if (peer !== null && model.wakesInMs !== undefined) this.#note(peer, model);
  }

  /** A task of this offer took this long. */
  answered(offer: OfferKey, ms: number): void {
    this.#demand.answered(offer, ms);
  }

  /** Idempotent. */
  close(): void {
    this.#closed = true;
    this.#stopForeseeing();
    this.#stopTimer?.();
    this.#stopTimer = null;
  }

  #remember(offer: OfferKey): void {
    const { now } = this.#options;
    if (now === undefined) return;
    const rate = this.#foreseen.get(offer) ?? new SeasonalRate(now());
    rate.asked(now());
    this.#foreseen.set(offer, rate);
  }

  #foresee(now: () => number): void {
    const { clock, registry } = this.#options;
    this.#stopForeseeing = clock.after(FORESEE_MS, () => this.#foresee(now));
    this.#forget();
    const nowMs = now();
    for (const [offer, rate] of this.#foreseen) {
      if (!registry.isOffered(offer)) continue;
      const slots = this.#demand.slotsFor(offer, rate.expected(nowMs, nowMs + AHEAD_MS), AHEAD_MS);
      if (slots > 0) this.#lookAt(offer, slots);
    }
  }

  #look(): void {
    this.#stopTimer = null;
    this.#forget();
    for (const offer of this.#touched) this.#lookAt(offer);
    this.#touched.clear();
  }

  /** `foreseen`: so many slots will be needed, whatever was asked for lately. */
  #lookAt(offer: OfferKey, foreseen = 0): void {
    const { registry, matchmaker, waiting, expect } = this.#options;
    const inLine = waiting(offer);
    const suits = (peer: RegisteredPeer) => !this.#told.has(peer) && !isInMemory(peer, offer);
    // While anyone waits, include those that are busy with other models.
    const resting = matchmaker.resting(offer, inLine > 0 ? ['resting', 'full'] : ['resting'], suits);
    const [best] = resting;
    if (best === undefined) return;
    const wanted = Math.max(foreseen, this.#demand.slotsWanted(offer, best.model.wakesInMs ?? 0, inLine));
    let slots = this.#slots(offer, wanted);
    for (const { peerId, model: advert } of resting) {
      const peer = registry.find(peerId);
      if (slots >= wanted || peer === null) return;
      this.#note(peer, advert);
      slots += slotsOf(peer);
      expect(peerId, offer);
    }
  }

  #note(peer: RegisteredPeer, model: ModelAdvert): void {
    const { wakesInMs = 0 } = model;
    const atMs = this.#options.clock.now();
    this.#told.delete(peer);
    this.#told.set(peer, {
      offer: offerKeyOf(model),
      atMs,
      untilMs: atMs + PATIENCE.times * wakesInMs + PATIENCE.ms,
    });
  }

  /** Slots with the model in memory or about to be. Stops counting at `enough`. */
  #slots(offer: OfferKey, enough: number): number {
    const { clock, registry, matchmaker } = this.#options;
    let slots = 0;
    for (const [peer, { offer: told, untilMs }] of this.#told) {
      if (told !== offer || untilMs <= clock.now() || registry.find(peer.peerId) !== peer) continue;
      if (!isInMemory(peer, offer)) slots += slotsOf(peer);
    }
    matchmaker.offering(offer, (peer) => {
      if (isInMemory(peer, offer)) slots += slotsOf(peer);
      return slots >= enough;
    });
    return slots;
  }

  #forget(): void {
    for (const [peer, { atMs }] of this.#told) {
      if (atMs + AGAIN_MS > this.#options.clock.now()) return;
      this.#told.delete(peer);
    }
  }
}

function isInMemory(peer: RegisteredPeer, offer: OfferKey): boolean {
  return modelOf(peer, readOfferKey(offer))?.wakesInMs === undefined;
}

/** The slots for one of its models: its advert only states the total. */
function slotsOf({ slots, models }: RegisteredPeer): number {
  return Math.max(1, Math.floor(slots / models.length));
}
