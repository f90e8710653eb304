/** What to do when an engine died: start it again, take a smaller model, or give up. Policy, without a timer of its own. */
import type { ErrorCode, MeshError } from '../base/errors.ts';

/** This many deaths within this time are not an accident. */
const MAX_DEATHS = 3;
const WINDOW_MS = 600_000;
const FIRST_PAUSE_MS = 1_000;
/** Errors that another try with the same model would only repeat. */
const TOO_LARGE: ReadonlySet<ErrorCode> = new Set<ErrorCode>(['out_of_memory']);
/** The machine is to blame and may have recovered. */
const MAY_PASS: ReadonlySet<ErrorCode> = new Set<ErrorCode>(['device_lost', 'engine_failed']);

export type AfterDeath =
  | { type: 'again'; afterMs: number }
  /** Whether the same model would die again. */
  | { type: 'smaller' }
  | { type: 'stop' };

export class Restarts {
  /** The times of the deaths, oldest first. */
  #deaths: number[] = [];
  #deviceLosses = 0;

  /** A smaller model starts with a clean slate. There are few of them, so this ends. */
  stepped(): void {
    this.#deaths = [];
    this.#deviceLosses = 0;
  }

  died(error: MeshError, nowMs: number): AfterDeath {
    this.#deaths = [...this.#deaths.filter((atMs) => nowMs - atMs < WINDOW_MS), nowMs];
    if (TOO_LARGE.has(error.code)) return { type: 'smaller' };
    if (this.#deaths.length >= MAX_DEATHS) return { type: 'stop' };
    if (!MAY_PASS.has(error.code)) return { type: 'stop' };
    if (error.code === 'device_lost') {
      this.#deviceLosses += 1;
      // Drivers reset a device that was asked for too much: a single time may mean anything.
      if (this.#deviceLosses > 1) return { type: 'smaller' };
    }
    return { type: 'again', afterMs: FIRST_PAUSE_MS * 2 ** (this.#deaths.length - 1) };
  }
}
