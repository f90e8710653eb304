/**
 * Every match goes through here: answered at once when a slot is free, otherwise queued for its model until one is.
 * Those who wait hear about it (`queue-news.ts`). Queue positions are limited: those who have fewest come before
 * those who have most (`shares.ts`), and turns go round the networks (`match-queue.ts`), of those who pay more often
 * (`paying-queue.ts`).
 */
import type { Clock } from '@llmesh/core/base/clock';
import { MeshError } from '@llmesh/core/base/errors';
import type { PeerId } from '@llmesh/core/base/ids';
import { offerKeyOf, offerKey, type OfferKey } from '@llmesh/core/policy/offer-key';
import type { Networks } from '../sockets/address.ts';
import { FadingTally } from '../sockets/fading-tally.ts';
import { isAble, type MatchQuestion, type Matchmaker } from './matchmaker.ts';
import type { Registry } from '../registry/registry.ts';
import type { Holder } from '../sockets/shares.ts';
import type { SlotPromises } from './slot-promises.ts';
import { TurnPace } from './turn-pace.ts';
import { QueueMembers } from './queue-members.ts';
import { QueueNews, TICK_MS, type Listener, type Told } from './queue-news.ts';
import type { Candidate } from '@llmesh/core/wire/candidate';
import { hasFreeSlot, modelOf, type RegisteredPeer } from '../registry/registered-peer.ts';

/** While anyone waits: how often to check promises for slots that nobody comes for. */
const PRESS_MS = 250;
/** How many of the queue are checked when a provider has a free slot: usually the first fits. */
const LOOK_AT = 64;
const LOOK_AT_LEAST = 8;
/** How long a turn counts against its owner when several queues want the same slot. */
const TURNS_HALF_LIFE_MS = 10_000;
/** Once a second, providers are offered to the whole queue, up to this many checks. */
const LOOKS_PER_TICK = 20_000;

/** For a newcomer: how many of the slots that are kept for an instant may be released. */
const MAX_GIVEN_WAY = 4;

export interface Asked extends MatchQuestion, Told {
  requestId: number;
  from: Networks;
  /** Do its credits cover what it asks for, as things are now? */
  pays: () => boolean;
}

interface Waiting extends Listener {
  /** Of all that ever waited. */
  readonly number: number;
  readonly stillPays: () => boolean;
}

export interface MatchQueuesOptions {
  clock: Clock;
  registry: Registry;
  matchmaker: Matchmaker;
  promises: SlotPromises;
  /** Reports how many wait now. */
  changed: (waiting: number) => void;
}

export class MatchQueues {
  readonly #options: MatchQueuesOptions;
  readonly #places: QueueMembers<Waiting>;
  readonly #news: QueueNews<Waiting>;
  readonly #turns: TurnPace;
  /** Providers that suited none of the first in the queue. */
  readonly #unseen = new Set<RegisteredPeer>();
  /** Turns that identities and networks had. */
  readonly #had: FadingTally;
  #number = 0;
  #stopTimer: (() => void) | null = null;
  #stopPress: (() => void) | null = null;
  #closed = false;

  /** Takes over `registry.onFreeSlot`. */
  constructor(options: MatchQueuesOptions) {
    this.#options = options;
    const { clock, matchmaker, changed } = options;
    this.#places = new QueueMembers(clock, (offer) => matchmaker.answersPerSecond(offer), changed);
    this.#news = new QueueNews(clock, matchmaker, this.#places);
    this.#had = new FadingTally(clock, TURNS_HALF_LIFE_MS);
    this.#turns = new TurnPace(clock, (provider) => this.#offer(provider));
    options.registry.onFreeSlot = (provider) => this.#offer(provider);
  }

  get size(): number {
    return this.#places.size;
  }

  /** The number waiting for this offer from any provider. */
  waiting(offer: OfferKey): number {
    return this.#places.line(offer)?.waiting.size ?? 0;
  }

  /** The same, as the price of the offer sees it. */
  bids(offer: OfferKey): number {
    return this.#places.line(offer)?.waiting.bids ?? 0;
  }

  /** Throws busy when too many wait already. */
  ask(asked: Asked): void {
    const candidates = this.#options.matchmaker.match(asked);
    if (candidates !== null) this.#answer(asked, candidates);
    else this.#enqueue(asked);
  }

  /** No longer wanted, whether it waits or was answered. */
  withdraw(requester: PeerId, requestId: number): void {
    for (const one of this.#places.of(requester)) if (one.requestId === requestId) this.#places.remove(one);
    this.#options.promises.withdraw(requester, requestId);
  }

  /** This provider has this many more tasks than before. */
  begun(provider: RegisteredPeer, tasks: number): void {
    if (tasks > 0) this.#options.promises.begun(provider, tasks);
  }

  /** Call when the registry has forgotten this peer. */
  left(peer: RegisteredPeer): void {
    for (const one of this.#places.of(peer.peerId)) this.#places.remove(one);
    this.#unseen.delete(peer);
    this.#options.promises.left(peer);
  }

  /** Idempotent. */
  close(): void {
    this.#closed = true;
    this.#stopTimer?.();
    this.#stopTimer = null;
    this.#stopPress?.();
    this.#stopPress = null;
    this.#turns.close();
    this.#options.promises.close();
  }

  #answer(asked: Omit<Asked, 'pays'>, candidates: Candidate[]): void {
    const [first] = candidates;
    const provider = first === undefined ? null : this.#options.registry.find(first.peerId);
    if (provider !== null) this.#options.promises.make(provider, holderOf(asked), asked.requestId);
    asked.matched(candidates);
  }

  #enqueue(asked: Asked): void {
    const { clock } = this.#options;
    const one: Waiting = {
      ...asked,
      pays: asked.pays(),
      stillPays: asked.pays,
      offer: offerKey(asked),
      number: this.#number++,
      sinceMs: clock.now(),
      holder: this.#turnOf(asked),
      told: { position: 0, atMs: -Infinity },
    };
    for (const gone of this.#places.add(one)) gone.refused(new MeshError('busy', GAVE_WAY));
    this.#news.tell(one, this.#places.position(one));
    this.#giveWay(one);
    this.#stopTimer ??= clock.after(TICK_MS, () => this.#tick());
    this.#stopPress ??= clock.after(PRESS_MS, () => this.#press());
  }

  /** The first in the queue takes the released slot: usually that is this one, which has just come. */
  #giveWay(one: Waiting): void {
    const { promises } = this.#options;
    for (let tries = 0; tries < MAX_GIVEN_WAY && this.#places.position(one) > 0; tries++) {
      if (!promises.giveWay(holderOf(one), (provider) => suits(provider, one))) return;
    }
  }

  /** Offers this provider's free slot to the queue, unless it does that all the time and suits nobody. */
  #offer(provider: RegisteredPeer): void {
    if (this.#places.size > 0 && this.#turns.mayLook(provider)) {
      this.#serve(provider, Math.max(LOOK_AT_LEAST, LOOK_AT / provider.models.length));
    }
  }

  /** Serves those that wait for any of its models; `lookAt`: how many of the first in each queue are checked. */
  #serve(provider: RegisteredPeer, lookAt: number): void {
    while (!this.#closed && this.#places.size > 0 && hasFreeSlot(provider)) {
      const next = this.#nextFor(provider, lookAt);
      if (next !== null && (this.#regrouped(next) || this.#demoted(next))) continue;
      const candidates = next === null ? null : this.#options.matchmaker.match(next);
      // Nobody suits, or the only provider has fallen silent again.
      if (next === null || candidates === null || candidates.length === 0) return;
      this.#places.take(next);
      for (const key of keysOf(next)) this.#had.add(key);
      this.#answer(next, candidates);
    }
  }

  /** The next of several queues: the one whose networks had the fewest turns lately, and then the longest wait. */
  #nextFor(provider: RegisteredPeer, lookAt: number): Waiting | null {
    let found: Waiting | null = null;
    let [looked, unseen] = [false, false];
    const { matchmaker } = this.#options;
    const may = (one: Waiting) => suits(provider, one) && matchmaker.isMeant(one, provider);
    for (const model of provider.models) {
      const offer = offerKeyOf(model);
      for (const line of [this.#places.line(offer)?.waiting, this.#places.named.of(provider.peerId, offer)]) {
        if (line == null || line.size === 0) continue;
        const first = line.next(may, lookAt);
        looked = true;
        unseen ||= first === null && line.size > lookAt;
        if (first !== null && (found === null || this.#isBefore(first, found))) found = first;
      }
    }
    if (found === null && looked) this.#turns.fruitless(provider);
    if (found === null && unseen) this.#unseen.add(provider);
    return found;
  }

  #isBefore(a: Waiting, b: Waiting): boolean {
    const [hadA, hadB] = [a, b].map((one) => keysOf(one).reduce((sum, key) => sum + this.#had.of(key), 0));
    return hadA === hadB ? a.number < b.number : hadA! < hadB!;
  }

  #tick(): void {
    this.#stopTimer = null;
    this.#news.tick();
    this.#lookAtAll();
    if (this.#places.any && !this.#closed) this.#stopTimer = this.#options.clock.after(TICK_MS, () => this.#tick());
  }

  /** Someone further back may suit a provider that suits none of the first. */
  #lookAtAll(): void {
    let left = LOOKS_PER_TICK;
    for (const provider of this.#unseen) {
      if (left <= 0) return;
      for (const model of provider.models) {
        const offer = offerKeyOf(model);
        left -= this.waiting(offer) + (this.#places.named.of(provider.peerId, offer)?.size ?? 0);
      }
      this.#serve(provider, Infinity);
      this.#unseen.delete(provider);
    }
  }

  #press(): void {
    this.#stopPress = null;
    this.#options.promises.press(({ peerId, models }) =>
      models.some((model) => {
        const offer = offerKeyOf(model);
        return this.waiting(offer) > 0 || this.#places.named.of(peerId, offer) !== null;
      }),
    );
    if (this.#places.size > 0 && !this.#closed)
      this.#stopPress = this.#options.clock.after(PRESS_MS, () => this.#press());
  }

  /** Requesters that waste kept slots share the turns of one network, wherever they are. */
  #turnOf(asked: Pick<Asked, 'requester' | 'from'>): Holder {
    const holder = holderOf(asked);
    if (this.#options.promises.standingOf(holder) !== 'doubted') return holder;
    return { ...holder, from: { ...holder.from, wide: DOUBTED } };
  }

  /** Its requester became doubted while it waited. */
  #regrouped(one: Waiting): boolean {
    if (one.holder.from.wide === DOUBTED) return false;
    const holder = this.#turnOf(one);
    if (holder.from.wide !== DOUBTED) return false;
    this.#places.regroup(one, { holder });
    return true;
  }

  /** Its requester has spent its credits on something else meanwhile. */
  #demoted(one: Waiting): boolean {
    if (!one.pays || one.stillPays()) return false;
    this.#places.regroup(one, { pays: false });
    return true;
  }
}

/** Stands for a network. */
const DOUBTED = 'doubted';

const GAVE_WAY =
  'Every volunteer with this model is busy, and your place in the line went to somebody with fewer places. Ask again in a moment.';
function holderOf({ requester, from }: Pick<Asked, 'requester' | 'from'>): Holder {
  return { peer: requester, from };
}

function keysOf({ holder: { peer, from } }: Waiting): readonly string[] {
  return [from.wide, from.narrow, peer];
}

function suits(provider: RegisteredPeer, question: Waiting): boolean {
  const { requester, exclude, only } = question;
  const { peerId } = provider;
  if (peerId === requester || modelOf(provider, question) === null || !isAble(provider, question)) return false;
  return !exclude.includes(peerId) && only?.includes(peerId) !== false;
}
