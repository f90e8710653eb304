/** Tells whether the control plane is away, so that peers manage without it. A hiccup of a second does not count. */
import type { Clock } from '../base/clock.ts';
import type { ControlState } from './control-connection.ts';

const HICCUP_MS = 1_000;

export class ControlAbsence {
  readonly #clock: Clock;
  readonly #changed: (away: boolean) => void;
  #wasOpen = false;
  #away = false;
  readonly #waiting = new Set<() => void>();
  #stopTimer: (() => void) | null = null;

  constructor(clock: Clock, changed: (away: boolean) => void) {
    this.#clock = clock;
    this.#changed = changed;
  }

  /** It was there, is gone, and is being tried again. */
  get away(): boolean {
    return this.#away;
  }

  /** Calls `run` when it goes away, at once if it is away. Returns the function that cancels this. */
  onAway(run: () => void): () => void {
    if (this.#away) {
      run();
      return () => {};
    }
    this.#waiting.add(run);
    return () => this.#waiting.delete(run);
  }

  turned(state: ControlState): void {
    if (state === 'open') this.#wasOpen = true;
    if (state === 'connecting' && this.#wasOpen) {
      this.#stopTimer ??= this.#clock.after(HICCUP_MS, () => this.#set(true));
      return;
    }
    this.#stopTimer?.();
    this.#stopTimer = null;
    this.#set(false);
  }

  #set(away: boolean): void {
    if (away === this.#away) return;
    this.#away = away;
    this.#changed(away);
    if (!away) return;
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const run of waiting) run();
  }
}
