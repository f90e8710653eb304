/**
 * Two queues for the same offer: of those whose credits cover the answer, and of those whose do not. Credits buy place in
 * line, and never all of it: those without have half of the turns that would be theirs if nobody paid, all of these once
 * the next of them has waited for long, and in any case one of twenty. Within each of the two, turns go round the
 * networks (`match-queue.ts`).
 */
import type { Holder } from '../sockets/shares.ts';
import { MatchQueue } from './match-queue.ts';

/**
 * While both kinds wait, one turn of so many is for those without credits: this is the most and the least that they get.
 * `ofFair`: what part of it would be fair if nobody paid, where a network counts for one.
 */
export const FREE_TURNS = { most: 5, least: 20, ofFair: 1 / 2 } as const;
/** The same, when the next of them has waited for long. */
export const FREE_TURNS_AFTER_LONG = { most: 2, least: 10, ofFair: 1 } as const;

export interface Payer {
  readonly holder: Holder;
  /** Its credits cover what it asks for. */
  readonly pays: boolean;
}

export class PayingQueue<T extends Payer> {
  readonly #hasWaitedLong: (one: T) => boolean;
  readonly #payers = new MatchQueue<T>();
  readonly #others = new MatchQueue<T>();
  /** Turns that payers had since somebody without credits had one, or came while nobody else without them waited. */
  #paid = 0;

  constructor(hasWaitedLong: (one: T) => boolean) {
    this.#hasWaitedLong = hasWaitedLong;
  }

  get size(): number {
    return this.#payers.size + this.#others.size;
  }

  /**
   * How many wait, as the price sees it: those who pay, each network once. Waiting costs nothing, so whoever profits from a
   * high price would otherwise raise it by waiting, or by having a thousand keys wait for nothing.
   */
  get bids(): number {
    return this.#payers.networks;
  }

  add(one: T): void {
    if (!one.pays && this.#others.size === 0) this.#paid = 0;
    this.#queueOf(one).add(one);
  }

  /** No longer wanted: its requester keeps its turn for the others. Does nothing for one that is not here. */
  remove(one: T): void {
    this.#queueOf(one).remove(one);
  }

  /** Its turn has come. */
  take(one: T): void {
    this.#queueOf(one).take(one);
    this.#paid = one.pays ? this.#paid + 1 : 0;
  }

  /** Others go before it because they pay. */
  isBehindPayers(one: T): boolean {
    return !one.pays && this.#payers.size > 0;
  }

  /** Next first. Nobody may come or go until it ends. */
  *inTurn(): Generator<T, void, undefined> {
    let untilFree = this.#untilFree();
    const between = this.#every - 1;
    const [payers, others] = [this.#payers.inTurn()[Symbol.iterator](), this.#others.inTurn()[Symbol.iterator]()];
    let [payer, other] = [payers.next(), others.next()];
    while (payer.done !== true || other.done !== true) {
      if (other.done !== true && (payer.done === true || untilFree === 0)) {
        yield other.value;
        other = others.next();
        untilFree = between;
      } else if (payer.done !== true) {
        yield payer.value;
        payer = payers.next();
        untilFree--;
      }
    }
  }

  /** The next one that `suits` accepts, among the first `most`. */
  next(suits: (one: T) => boolean, most = Infinity): T | null {
    let left = most;
    for (const one of this.inTurn()) {
      if (suits(one)) return one;
      if (--left <= 0) return null;
    }
    return null;
  }

  /** 1: the next; 0: not here. As things are now: others may come who pay. */
  position(one: T): number {
    const position = this.#queueOf(one).position(one);
    if (position === 0) return 0;
    const [first, between] = [this.#untilFree(), this.#every - 1];
    if (!one.pays) return position + Math.min(this.#payers.size, first + (position - 1) * between);
    const before = position - 1 < first ? 0 : 1 + Math.floor((position - 1 - first) / between);
    return position + Math.min(this.#others.size, before);
  }

  #queueOf({ pays }: T): MatchQueue<T> {
    return pays ? this.#payers : this.#others;
  }

  get #every(): number {
    const [next] = this.#others.inTurn();
    if (next === undefined) return FREE_TURNS.most;
    const { most, least, ofFair } = this.#hasWaitedLong(next) ? FREE_TURNS_AFTER_LONG : FREE_TURNS;
    const fair = (this.#payers.networks + this.#others.networks) / this.#others.networks;
    return Math.min(least, Math.max(most, Math.ceil(fair / ofFair)));
  }

  /** Turns of payers before the next one without credits. */
  #untilFree(): number {
    return Math.max(0, this.#every - 1 - this.#paid);
  }
}
