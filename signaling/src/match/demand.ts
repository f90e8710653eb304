/**
 * How many answers of each offer will be running in a moment, from how often they were asked for lately and how long
 * they take. Pure arithmetic on the clock.
 */
import { BoundedMap } from '@llmesh/core/base/bounded-map';
import type { Clock } from '@llmesh/core/base/clock';
import type { OfferKey } from '@llmesh/core/policy/offer-key';

/** Offers that are remembered; those not asked for longest are forgotten first. */
export const MAX_OFFERS = 1_000;
/** Before anything was measured: 200 tokens at ten a second, with the weight of two answers. */
const USUAL = { ms: 20_000, answers: 2 };
/** The most answers remembered; the oldest fade. */
const MOST_ANSWERS = 20;
const LONGEST_MS = 600_000;
/** The demand is averaged over this long, and over twice an answer where answers take longer. */
const WINDOW_MS = 60_000;

/** A question is worth loading for when it comes in so many of all cases: a load in vain costs little beside a person who waits. */
const LIKELY = 0.25;

interface Seen {
  atMs: number;
  /** Questions, each counting less as time goes by. */
  recent: number;
  /** How many of them are still running, given how long answers usually take. */
  running: number;
  usualMs: number;
  answers: number;
}

export class Demand {
  readonly #clock: Clock;
  readonly #seen = new BoundedMap<OfferKey, Seen>(MAX_OFFERS);

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get size(): number {
    return this.#seen.size;
  }

  asked(offer: OfferKey): void {
    const usual = { recent: 0, running: 0, usualMs: USUAL.ms, answers: USUAL.answers };
    const seen = this.#seen.get(offer) ?? { ...usual, atMs: this.#clock.now() };
    this.#fade(seen);
    seen.recent += 1;
    seen.running += 1;
    this.#seen.set(offer, seen);
  }

  /** An answer took this long. Ignored for offers that nobody asked for. */
  answered(offer: OfferKey, ms: number): void {
    const seen = this.#seen.get(offer);
    if (seen === undefined) return;
    this.#fade(seen);
    seen.answers = Math.min(seen.answers + 1, MOST_ANSWERS);
    seen.usualMs += (Math.min(ms, LONGEST_MS) - seen.usualMs) / seen.answers;
  }

  /** The slots that so many questions in so much time keep busy; one where it is likely enough that there is any. */
  slotsFor(offer: OfferKey, questions: number, withinMs: number): number {
    const mean = (questions * (this.#seen.get(offer)?.usualMs ?? USUAL.ms)) / withinMs;
    const likely = 1 - Math.exp(-questions) >= LIKELY ? 1 : 0;
    return Math.max(likely, Math.floor(mean + Math.sqrt(mean)));
  }

  /**
   * The slots needed in `aheadMs` so that hardly anyone has to wait; `waiting`: who does now. The mean of a queue with
   * enough servers (M/G/∞, which goes from what runs now to what usually does as answers end), plus its square root for
   * chance (square-root staffing, Halfin and Whitt 1981).
   */
  slotsWanted(offer: OfferKey, aheadMs: number, waiting: number): number {
    const seen = this.#seen.get(offer);
    if (seen === undefined) return 0;
    this.#fade(seen);
    const { recent, running, usualMs } = seen;
    const usually = (recent * usualMs) / windowMs(usualMs);
    const still = Math.exp(-aheadMs / usualMs);
    const mean = running * still + usually * (1 - still) + waiting;
    return Math.floor(mean + Math.sqrt(mean));
  }

  #fade(seen: Seen): void {
    const passedMs = this.#clock.now() - seen.atMs;
    seen.recent *= Math.exp(-passedMs / windowMs(seen.usualMs));
    seen.running *= Math.exp(-passedMs / seen.usualMs);
    seen.atMs += passedMs;
  }
}

function windowMs(usualMs: number): number {
  return Math.max(WINDOW_MS, 2 * usualMs);
}
