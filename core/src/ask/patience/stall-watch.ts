/** When a stream that went quiet counts as stalled: judged by its own pace, so that slow is not taken for dead. */
import type { Clock } from '../../base/clock.ts';
import { FIRST_PIECE_MS, runningMean } from '../../policy/patience.ts';

/** Before a pace is known: how long reading a long prompt takes, and may take on a slow computer. */
const FIRST_PIECE = { suspectMs: 8_000, stallMs: FIRST_PIECE_MS };
/** After one piece the pace is still unknown. */
const SECOND_PIECE = { suspectMs: 4_000, stallMs: 20_000 };
/** Quiet for this many of its own pauses, within these bounds: it is time to ask another provider as well. */
const SUSPECT = { pauses: 8, leastMs: 400, mostMs: 8_000 };
/** And for this many: it is given up. */
const STALL = { pauses: 40, leastMs: 5_000, mostMs: 20_000 };
/** A provider that says how slowly it writes gets so many of its pauses, and no more than this for one: it may say anything. */
const CLAIMED = { suspectPauses: 2, stallPauses: 3, mostMs: 30_000 };
/** The other provider gets the time that a first word takes; then this one is suspected again, and after twice that. */
const AGAIN_MS = FIRST_PIECE.suspectMs;
/** A timer that is this late was held up by this computer and not by the stream: it starts again. */
const LATE_TIMER_MS = 500;

export interface StallEvents {
  /** It may be gone. `times`: how often this was reported since it fell quiet, from 1 on. */
  suspected: (times: number) => void;
  /** It is given up. Called at most once. */
  stalled: () => void;
}

/** What a provider says of itself. */
export interface Claim {
  /** The first piece takes this much longer, while its model is loaded. */
  loadingMs: number;
  /** Between two pieces, once it writes; 0: it does not say. */
  pauseMs: number;
}

const NO_CLAIM: Claim = { loadingMs: 0, pauseMs: 0 };

export class StallWatch {
  readonly #clock: Clock;
  readonly #events: StallEvents;
  /** Null before the second piece: the pause before the first was the prompt's. */
  #meanPauseMs: number | null = null;
  #begun = false;
  readonly #claim: Claim;
  /** Suspicions since it fell quiet. */
  #suspicions = 0;
  #heardMs: number;
  #stopTimer: () => void = () => {};

  /** Starts watching. */
  constructor(clock: Clock, events: StallEvents, { loadingMs, pauseMs }: Claim = NO_CLAIM) {
    this.#clock = clock;
    this.#events = events;
    this.#claim = { loadingMs, pauseMs: Math.min(pauseMs, CLAIMED.mostMs) };
    this.#heardMs = clock.now();
    this.#wait(this.limitMs);
  }

  /** How long it may be quiet until the next report. */
  get limitMs(): number {
    const { suspectMs, stallMs } = this.#limits;
    return Math.min(suspectMs + AGAIN_MS * (2 ** this.#suspicions - 1), stallMs);
  }

  get #limits(): { suspectMs: number; stallMs: number } {
    const mean = this.#meanPauseMs;
    const { loadingMs, pauseMs } = this.#claim;
    if (mean === null && !this.#begun) {
      return { suspectMs: FIRST_PIECE.suspectMs + loadingMs, stallMs: FIRST_PIECE.stallMs + loadingMs };
    }
    const known = mean === null ? SECOND_PIECE : { suspectMs: bounded(mean, SUSPECT), stallMs: bounded(mean, STALL) };
    return {
      suspectMs: Math.max(known.suspectMs, CLAIMED.suspectPauses * pauseMs),
      stallMs: Math.max(known.stallMs, CLAIMED.stallPauses * pauseMs),
    };
  }

  /** A piece of the answer came. Cheap, as it is called for each: the timer stays, and checks when it fires. */
  heard(): void {
    const nowMs = this.#clock.now();
    const pauseMs = nowMs - this.#heardMs;
    this.#heardMs = nowMs;
    const mean = this.#meanPauseMs;
    const newLimit = mean === null || this.#suspicions > 0;
    this.#suspicions = 0;
    if (this.#begun) this.#meanPauseMs = runningMean(mean, pauseMs);
    this.#begun = true;
    // The new limit may end before the old timer fires.
    if (newLimit) this.#wait(this.limitMs);
  }

  /** Idempotent. */
  stop(): void {
    this.#stopTimer();
  }

  #wait(ms: number): void {
    const dueMs = this.#clock.now() + ms;
    this.#stopTimer();
    this.#stopTimer = this.#clock.after(ms, () => this.#due(dueMs));
  }

  #due(dueMs: number): void {
    const nowMs = this.#clock.now();
    if (nowMs - dueMs > LATE_TIMER_MS) this.#heardMs = nowMs;
    const quietMs = nowMs - this.#heardMs;
    if (quietMs < this.limitMs) this.#wait(Math.ceil(this.limitMs - quietMs));
    else if (quietMs >= this.#limits.stallMs) this.#events.stalled();
    else {
      this.#suspicions += 1;
      this.#wait(Math.ceil(this.limitMs - quietMs));
      this.#events.suspected(this.#suspicions);
    }
  }
}

function bounded(meanMs: number, { pauses, leastMs, mostMs }: typeof SUSPECT): number {
  return Math.min(Math.max(meanMs * pauses, leastMs), mostMs);
}
