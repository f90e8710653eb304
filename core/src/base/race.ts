/**
 * Several ways to the same thing, as RFC 8305 ("Happy Eyeballs") races them: the first way gets a head start, the next
 * joins when it is late, and the first to arrive is taken.
 */
import { onAbort } from './abort.ts';
import type { Clock } from './clock.ts';
import { asMeshError, cancelled, type ErrorCode, type MeshError } from './errors.ts';

export interface RaceOptions<T> {
  clock: Clock;
  headStartMs: number;
  /** The next way starts at once when one fails. False: a failure before its start ends the race. */
  afterFailure: boolean;
  /** Gets a result that arrived too late. */
  drop: (late: T) => void;
  signal: AbortSignal;
}

/** Rejects with the most telling failure when every way failed; with cancelled, at once, when `signal` aborts. */
export function race<T>(
  ways: readonly ((signal: AbortSignal) => Promise<T>)[],
  { clock, headStartMs, afterFailure, drop, signal }: RaceOptions<T>,
): Promise<T> {
  const over = new AbortController();
  const each = AbortSignal.any([signal, over.signal]);
  return new Promise<T>((resolve, reject) => {
    const failures: MeshError[] = [];
    let started = 0;
    let settled = false;
    let stopTimer = () => {};
    let stopAbort = () => {};
    const settle = (finish: () => void) => {
      settled = true;
      stopTimer();
      stopAbort();
      finish();
      over.abort();
    };
    const failed = (thrown: unknown) => {
      if (settled) return;
      failures.push(asMeshError(thrown, 'connect_failed', 'Could not connect to that volunteer.'));
      if (afterFailure && started < ways.length) start();
      else if (failures.length === started) settle(() => reject(tellingOf(failures)));
    };
    const start = () => {
      stopTimer();
      const way = ways[started];
      if (way === undefined) return;
      started += 1;
      stopTimer = clock.after(headStartMs, start);
      way(each).then((won) => (settled ? drop(won) : settle(() => resolve(won))), failed);
    };
    stopAbort = onAbort(signal, () => settle(() => reject(cancelled())));
    if (!signal.aborted) start();
  });
}

/** That there is no way is less telling than why one did not work. */
const LEAST_TELLING: readonly ErrorCode[] = ['cancelled', 'control_unreachable', 'connect_failed'];

function tellingOf(failures: readonly MeshError[]): MeshError | undefined {
  return [...failures].sort((a, b) => rankOf(b) - rankOf(a))[0];
}

function rankOf({ code }: MeshError): number {
  const at = LEAST_TELLING.indexOf(code);
  return at < 0 ? LEAST_TELLING.length : at;
}
