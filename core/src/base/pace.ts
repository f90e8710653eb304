/** Waits until a given moment, so that an answer is no faster than its owner allows. */
import { onAbort } from './abort.ts';
import type { Clock } from './clock.ts';

/** Resolves when the clock says `untilMs`, or when `signal` aborts. */
export function pace(untilMs: number, clock: Clock, signal: AbortSignal): Promise<void> {
  const waitMs = untilMs - clock.now();
  if (waitMs <= 0 || signal.aborted) return Promise.resolve();
  return new Promise<void>((resolve) => {
    const done = () => {
      stopTimer();
      stopAbort();
      resolve();
    };
    const stopTimer = clock.after(waitMs, done);
    const stopAbort = onAbort(signal, done);
  });
}
