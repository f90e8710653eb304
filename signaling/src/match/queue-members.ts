/**
 * Who waits, and where: those that any provider may answer in the queue of their model, those that name their providers
 * beside it. Positions are limited. When all are taken, the requester with the most of them loses its newest.
 */
import type { Clock } from '@llmesh/core/base/clock';
import { MeshError } from '@llmesh/core/base/errors';
import type { PeerId } from '@llmesh/core/base/ids';
import type { OfferKey } from '@llmesh/core/policy/offer-key';
import type { Networks } from '../sockets/address.ts';
import { QueuePace } from './queue-pace.ts';
import { NamedQueues } from './named-queues.ts';
import { Shares, type Holder } from '../sockets/shares.ts';
import { PayingQueue } from './paying-queue.ts';

/** Who has waited for so long has a turn more often, though others pay. */
export const LONG_WAIT_MS = 180_000;
export const MAX_WAITING_PER_PEER = 8;
export const MAX_WAITING_PER_MODEL = 1_000;
/** The most questions in the queues of all models, a few kilobytes each. */
export const MAX_WAITING = 10_000;
/** The most questions that wait only for named providers: each is in up to 64 queues. */
export const MAX_WAITING_NAMED = 1_000;

export interface Waiter {
  readonly requester: PeerId;
  readonly from: Networks;
  readonly requestId: number;
  readonly offer: OfferKey;
  readonly only: readonly PeerId[] | null;
  readonly sinceMs: number;
  /** The group that it shares its turns with. */
  holder: Holder;
  /** Its credits cover what it asks for. */
  pays: boolean;
}

export interface Line<T extends Waiter> {
  readonly waiting: PayingQueue<T>;
  readonly places: Shares<T>;
  readonly pace: QueuePace;
}

export class QueueMembers<T extends Waiter> {
  readonly named: NamedQueues<T>;
  readonly #clock: Clock;
  readonly #answersPerSecond: (offer: OfferKey) => number;
  readonly #changed: (waiting: number) => void;
  readonly #lines = new Map<OfferKey, Line<T>>();
  readonly #open = new Shares<T>();
  readonly #ofNamed = new Shares<T>();
  readonly #ofRequester = new Map<PeerId, Set<T>>();
  #size = 0;

  /** `answersPerSecond`: the initial pace of a new queue. `changed`: how many wait now. */
  constructor(clock: Clock, answersPerSecond: (offer: OfferKey) => number, changed: (waiting: number) => void) {
    this.#clock = clock;
    this.named = new NamedQueues(this.#hasWaitedLong);
    this.#answersPerSecond = answersPerSecond;
    this.#changed = changed;
  }

  get size(): number {
    return this.#size;
  }

  /** The open queue of this offer. */
  line(offer: OfferKey): Line<T> | null {
    return this.#lines.get(offer) ?? null;
  }

  /** Open queues with someone in them. Only this drops empty ones: setting one up means scanning all providers. */
  *lines(): Generator<[OfferKey, Line<T>]> {
    for (const [offer, line] of this.#lines) {
      if (line.waiting.size === 0) this.#lines.delete(offer);
      else yield [offer, line];
    }
  }

  /** There are queues to look after. */
  get any(): boolean {
    return this.#size > 0 || this.#lines.size > 0;
  }

  of(requester: PeerId): readonly T[] {
    return [...(this.#ofRequester.get(requester) ?? [])];
  }

  /** 1: the next; 0: not here. */
  position(one: T): number {
    if (one.only !== null) return this.named.position(one);
    return this.#lines.get(one.offer)?.waiting.position(one) ?? 0;
  }

  /** Others go before it because they pay. */
  isBehindPayers(one: T): boolean {
    if (one.only !== null) return this.named.isBehindPayers(one);
    return this.#lines.get(one.offer)?.waiting.isBehindPayers(one) ?? false;
  }

  /** Returns those that lost their positions to this one. Throws busy when it has too many, or nobody has more. */
  add(one: T): T[] {
    const own = this.#ofRequester.get(one.requester) ?? new Set();
    if (own.size >= MAX_WAITING_PER_PEER)
      throw busy(`You have ${own.size} questions waiting already. Wait until one of them is answered.`);
    const gone: T[] = [];
    if (one.only === null) {
      const { offer } = one;
      const line = this.#lines.get(offer) ?? this.#newLine(offer);
      gone.push(...this.#makePlace(line.places, MAX_WAITING_PER_MODEL, one, line.pace));
      gone.push(...this.#makePlace(this.#open, MAX_WAITING, one, line.pace));
      this.#lines.set(offer, line);
      line.waiting.add(one);
      for (const places of [line.places, this.#open]) places.add(one, whole(one));
    } else {
      gone.push(...this.#makePlace(this.#ofNamed, MAX_WAITING_NAMED, one, null));
      this.named.add(one);
      this.#ofNamed.add(one, whole(one));
    }
    this.#ofRequester.set(one.requester, own.add(one));
    this.#resized(1);
    return gone;
  }

  /** Its turn has come: others have theirs before its requester, and before its networks, have another. */
  take(one: T): void {
    const line = one.only === null ? this.line(one.offer) : null;
    line?.waiting.take(one);
    line?.pace.turn();
    this.named.take(one);
    this.remove(one);
  }

  /** From now on it shares its turns with others, or no longer pays. */
  regroup(one: T, { holder = one.holder, pays = one.pays }: Partial<Pick<T, 'holder' | 'pays'>>): void {
    const lines = one.only === null ? this.line(one.offer)?.waiting : this.named;
    lines?.remove(one);
    one.holder = holder;
    one.pays = pays;
    lines?.add(one);
  }

  /** Does nothing for one that is not here. */
  remove(one: T): void {
    const own = this.#ofRequester.get(one.requester);
    if (own?.delete(one) !== true) return;
    if (own.size === 0) this.#ofRequester.delete(one.requester);
    const line = this.line(one.offer);
    line?.waiting.remove(one);
    for (const places of [line?.places, this.#open, this.#ofNamed]) places?.remove(one);
    this.named.remove(one);
    this.#resized(-1);
  }

  readonly #hasWaitedLong = ({ sinceMs }: T): boolean => this.#clock.now() - sinceMs >= LONG_WAIT_MS;

  #newLine(offer: OfferKey): Line<T> {
    const pace = new QueuePace(this.#clock, this.#answersPerSecond(offer));
    return { waiting: new PayingQueue(this.#hasWaitedLong), places: new Shares(), pace };
  }

  #makePlace(places: Shares<T>, most: number, one: T, pace: QueuePace | null): T[] {
    if (places.size < most) return [];
    const last = places.yielding(whole(one));
    if (last === null) throw tooMany(places.size, pace);
    this.remove(last);
    return [last];
  }

  #resized(by: number): void {
    this.#size += by;
    this.#changed(this.#size);
  }
}

/** A requester with a position, by where it comes from. */
function whole({ requester, from }: Waiter): Holder {
  return { peer: requester, from };
}

function busy(message: string): MeshError {
  return new MeshError('busy', message);
}

function tooMany(waiting: number, pace: QueuePace | null): MeshError {
  const estimateMs = pace?.estimateMs(waiting) ?? null;
  const turn = estimateMs === null ? '' : `; the last will have its turn in about ${spoken(estimateMs)}`;
  return busy(
    `Every volunteer with this model is busy, and ${waiting} questions are waiting already${turn}. Try another model, or try again later.`,
  );
}

function spoken(ms: number): string {
  const minutes = Math.ceil(ms / 60_000);
  if (minutes >= 120) return `${Math.round(minutes / 60)} hours`;
  return minutes === 1 ? 'a minute' : `${minutes} minutes`;
}
