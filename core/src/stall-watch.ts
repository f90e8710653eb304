/** When a stream that went quiet counts as stalled: measured by its own pace, so that slow is not taken for dead. */
import type { Clock } from './clock.ts';

/** Before there is a pace: what reading a long prompt takes, and may take on a slow computer. */
const FIRST_PIECE = { suspectMs: 8_000, stallMs: 300_000 };
/** After one piece nobody knows the pace. */
const SECOND_PIECE = { suspectMs: 4_000, stallMs: 20_000 };
/** Quiet for so many of its own pauses, within these bounds: somebody else had better be asked, too. */
const SUSPECT = { pauses: 8, leastMs: 400, mostMs: 8_000 };
/** And for so many: it is given up. */
const STALL = { pauses: 40, leastMs: 5_000, mostMs: 20_000 };
/** How much the last pause counts in the running mean. */
const WEIGHT = 0.2;
/** A timer that comes this much late was held up by this computer and not by the stream: it waits once more. */
const LATE_TIMER_MS = 500;

export interface StallEvents {
  /** It may be gone. Once for each time that it falls quiet. */
  suspected: () => void;
  /** It is given up. Called at most once. */
  stalled: () => void;
}

export class StallWatch {
  readonly #clock: Clock;
  readonly #events: StallEvents;
  /** Null before the second piece: the pause before the first was the prompt's. */
  #meanPauseMs: number | null = null;
  #begun = false;
  #suspected = false;
  #heardMs: number;
  #stopTimer: () => void = () => {};

  /** Watches from now on. */
  constructor(clock: Clock, events: StallEvents) {
    this.#clock = clock;
    this.#events = events;
    this.#heardMs = clock.now();
    this.#wait(this.limitMs);
  }

  /** How long it may be quiet until the next word about it. */
  get limitMs(): number {
    const mean = this.#meanPauseMs;
    if (mean === null) {
      const { suspectMs, stallMs } = this.#begun ? SECOND_PIECE : FIRST_PIECE;
      return this.#suspected ? stallMs : suspectMs;
    }
    const { pauses, leastMs, mostMs } = this.#suspected ? STALL : SUSPECT;
    return Math.min(Math.max(mean * pauses, leastMs), mostMs);
  }

  /** A piece of the answer came. Cheap, as it is called for each: the timer stays, and looks when it comes. */
  heard(): void {
    const nowMs = this.#clock.now();
    const pauseMs = nowMs - this.#heardMs;
    this.#heardMs = nowMs;
    const mean = this.#meanPauseMs;
    const newLimit = mean === null || this.#suspected;
    this.#suspected = false;
    if (this.#begun) this.#meanPauseMs = mean === null ? pauseMs : mean * (1 - WEIGHT) + pauseMs * WEIGHT;
    this.#begun = true;
    // It may come before the timer of the old one.
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
    const quietMs = nowMs - this.#heardMs;
    if (nowMs - dueMs > LATE_TIMER_MS) this.#wait(this.limitMs);
    else if (quietMs < this.limitMs) this.#wait(Math.ceil(this.limitMs - quietMs));
    else if (this.#suspected) this.#events.stalled();
    else {
      this.#suspected = true;
      this.#wait(Math.ceil(this.limitMs - quietMs));
      this.#events.suspected();
    }
  }
}
