/** Does something now, and again and again, each time some while after it has ended. */
import type { Clock } from '@llmesh/core/base/clock';

/** Ends with the function that it returns. `round` settles, whatever happens, and soon after its signal aborts. */
export function poll(round: (signal: AbortSignal) => Promise<void>, everyMs: number, clock: Clock): () => void {
  const abort = new AbortController();
  let stopTimer = () => {};
  const next = async () => {
    await round(abort.signal);
    if (!abort.signal.aborted) stopTimer = clock.after(everyMs, () => void next());
  };
  void next();
  return () => {
    abort.abort();
    stopTimer();
  };
}
