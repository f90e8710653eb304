/**
 * Slots kept for those who were just sent to a provider and have not begun there, so that many who ask at once are not
 * all sent to the same slot. A promise ends when the provider shows the task, when either end leaves, or when it
 * expires; sooner where others wait. Those who let promises expire have slots kept only for an instant
 * (`requester-record.ts`).
 *
 * There is no port here, and there will be no second implementation: a match must see each promise made before it.
 * Where several instances serve a mesh, the one that owns a model in a region has all promises about it in its own
 * memory, and the others ask that one for matches, through the broker (`cluster/broker.ts`).
 */
import type { Clock } from '@llmesh/core/base/clock';
import type { PeerId } from '@llmesh/core/base/ids';
import { RequesterRecord, type Repute } from './requester-record.ts';
import type { Registry } from '../registry/registry.ts';
import type { Holder } from '../sockets/shares.ts';
import { hasFreeSlot, type RegisteredPeer } from '../registry/registered-peer.ts';

/** The time to dial, seal the link and send the question: a second and a half through a relay. */
export const PROMISE_MS = 3_000;
/** Most have begun by then: from now on the slot is released if anyone else waits for it. */
export const OVERDUE_MS = 1_000;
/** The promise for those who break theirs: others sent at the same moment go elsewhere. */
export const INSTANT_MS = 250;
/** The most promises of one requester; then its oldest is dropped: nobody holds the whole mesh. */
export const MAX_PROMISES_PER_PEER = 32;
/** The promises of one provider: those whose slot is released are also remembered, until they expire. */
const MAX_REMEMBERED = 2_048;

interface SlotPromise {
  readonly provider: RegisteredPeer;
  readonly requester: Holder;
  readonly requestId: number;
  readonly madeMs: number;
  readonly untilMs: number;
  /** The slot is kept. It may be released while the task can still come. */
  kept: boolean;
}

export class SlotPromises {
  readonly #clock: Clock;
  readonly #registry: Registry;
  readonly #standing: RequesterRecord;
  /** All last equally long: the oldest expires first. */
  readonly #all = new Set<SlotPromise>();
  readonly #ofProvider = new Map<RegisteredPeer, SlotPromise[]>();
  readonly #ofRequester = new Map<PeerId, SlotPromise[]>();
  #kept = 0;
  #stopTimer: (() => void) | null = null;
  #stopInstant: (() => void) | null = null;
  /** Those kept only for an instant, the oldest first. */
  #instants: { promise: SlotPromise; untilMs: number }[] = [];

  constructor(clock: Clock, registry: Registry) {
    this.#clock = clock;
    this.#registry = registry;
    this.#standing = new RequesterRecord(clock);
  }

  /** The number of kept slots. */
  get size(): number {
    return this.#kept;
  }

  standingOf(requester: Holder): Repute {
    return this.#standing.of(requester);
  }

  /** A full provider gets no promises. */
  make(provider: RegisteredPeer, requester: Holder, requestId: number): void {
    if (!hasFreeSlot(provider)) return;
    const now = this.#clock.now();
    const promise = { provider, requester, requestId, madeMs: now, untilMs: now + PROMISE_MS, kept: true };
    this.#all.add(promise);
    const here = push(this.#ofProvider, provider, promise);
    const asked = push(this.#ofRequester, requester.peer, promise);
    this.#kept++;
    this.#registry.promise(provider, 1);
    const surplus = asked.length - MAX_PROMISES_PER_PEER;
    if (surplus > 0) this.#letGo(asked[surplus - 1]!);
    const [oldest] = here;
    if (here.length > MAX_REMEMBERED && oldest !== undefined) this.#waste(oldest);
    if (isShortOfTrust(this.#standing.of(requester))) {
      this.#instants.push({ promise, untilMs: now + INSTANT_MS });
      this.#stopInstant ??= this.#clock.after(INSTANT_MS, () => this.#sweepInstants());
    }
    this.#stopTimer ??= this.#clock.after(PROMISE_MS, () => this.#sweep());
  }

  /** This provider has this many more tasks than before. It does not say whose they are. */
  begun(provider: RegisteredPeer, tasks: number): void {
    const here = this.#ofProvider.get(provider);
    if (here === undefined) return;
    // Usually there is one.
    const likeliest = here.length === 1 ? [...here] : this.#likeliest(here).slice(0, tasks);
    for (const promise of likeliest) {
      this.#standing.began(promise.requester.peer, provider.peerId);
      this.#end(promise);
    }
  }

  /** An answer, or a part of one, was delivered. */
  delivered(requester: PeerId, provider: PeerId): void {
    this.#standing.began(requester, provider);
  }

  withdraw(requester: PeerId, requestId: number): void {
    for (const promise of this.#ofRequester.get(requester)?.slice() ?? []) {
      if (promise.requestId === requestId) this.#waste(promise);
    }
  }

  /** The peer needs no slot any more, and has none to offer. */
  left(peer: RegisteredPeer): void {
    for (const promise of this.#ofProvider.get(peer)?.slice() ?? []) this.#end(promise);
    for (const promise of this.#ofRequester.get(peer.peerId)?.slice() ?? []) this.#waste(promise);
  }

  /** Releases slots that others wait for and that should be in use by now. A known requester keeps its last one. */
  press(isWaitedFor: (provider: RegisteredPeer) => boolean): void {
    const overdue = this.#clock.now() - OVERDUE_MS;
    for (const promise of this.#all) {
      if (promise.madeMs > overdue) break;
      const { kept, requester, provider } = promise;
      if (!kept || !isWaitedFor(provider)) continue;
      const only = (this.#ofRequester.get(requester.peer)?.length ?? 0) <= 1;
      if (!only || this.#standing.of(requester) !== 'known') this.#letGo(promise);
    }
  }

  /**
   * Releases one slot that is kept for an instant, at a provider where `requester` could go: an instant protects those
   * who waste slots from each other, and from nobody else. False: there is none.
   */
  giveWay(requester: Holder, couldGo: (provider: RegisteredPeer) => boolean): boolean {
    if (isShortOfTrust(this.#standing.of(requester))) return false;
    const kept = this.#instants.find(({ promise }) => promise.kept && couldGo(promise.provider));
    if (kept !== undefined) this.#letGo(kept.promise);
    return kept !== undefined;
  }

  /** Idempotent. */
  close(): void {
    this.#stopTimer?.();
    this.#stopTimer = null;
    this.#stopInstant?.();
    this.#stopInstant = null;
  }

  #sweep(): void {
    const now = this.#clock.now();
    for (const promise of this.#all) {
      if (promise.untilMs > now) break;
      this.#waste(promise);
    }
    const [next] = this.#all;
    this.#stopTimer = next === undefined ? null : this.#clock.after(next.untilMs - now, () => this.#sweep());
  }

  #sweepInstants(): void {
    const now = this.#clock.now();
    const later = this.#instants.findIndex(({ untilMs }) => untilMs > now);
    const over = this.#instants.splice(0, later < 0 ? this.#instants.length : later);
    const [next] = this.#instants;
    this.#stopInstant = next === undefined ? null : this.#clock.after(next.untilMs - now, () => this.#sweepInstants());
    for (const { promise } of over) this.#letGo(promise);
  }

  /**
   * The promises whose tasks have probably begun here, likeliest first: requesters that keep their promises before
   * others, and among these the last one sent, since beginning takes a fraction of a promise's lifetime.
   */
  #likeliest(here: readonly SlotPromise[]): SlotPromise[] {
    const ranked = here.map((promise) => ({ promise, rank: RANKS[this.#standing.of(promise.requester)] }));
    ranked.sort((a, b) => b.rank - a.rank || b.promise.madeMs - a.promise.madeMs);
    return ranked.map(({ promise }) => promise);
  }

  #waste(promise: SlotPromise): void {
    if (this.#all.has(promise)) this.#standing.wasted(promise.requester, promise.provider.peerId);
    this.#end(promise);
  }

  #end(promise: SlotPromise): void {
    // The end of one promise may have ended others.
    if (!this.#all.delete(promise)) return;
    pull(this.#ofProvider, promise.provider, promise);
    pull(this.#ofRequester, promise.requester.peer, promise);
    this.#letGo(promise);
  }

  #letGo(promise: SlotPromise): void {
    if (!promise.kept) return;
    promise.kept = false;
    this.#kept--;
    this.#registry.promise(promise.provider, -1);
  }
}

function isShortOfTrust(standing: Repute): boolean {
  return standing === 'crowded' || standing === 'doubted';
}

const RANKS: Readonly<Record<Repute, number>> = { known: 2, new: 1, crowded: 1, doubted: 0 };

function push<K>(lists: Map<K, SlotPromise[]>, key: K, promise: SlotPromise): SlotPromise[] {
  const list = lists.get(key);
  if (list !== undefined) {
    list.push(promise);
    return list;
  }
  const fresh = [promise];
  lists.set(key, fresh);
  return fresh;
}

function pull<K>(lists: Map<K, SlotPromise[]>, key: K, promise: SlotPromise): void {
  const list = lists.get(key);
  if (list === undefined) return;
  list.splice(list.indexOf(promise), 1);
  if (list.length === 0) lists.delete(key);
}
