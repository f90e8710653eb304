/** Has the server asked only while somebody looks. */
import { untrack } from 'svelte';

export interface Watched {
  /** Asks now, and again and again, until the returned function is called. */
  watch: () => () => void;
}

/** Watches all of them whenever the page is visible, until the returned function is called. */
export function whileVisible(watched: readonly Watched[]): () => void {
  let stops: (() => void)[] = [];
  const stop = () => {
    for (const one of stops) one();
    stops = [];
  };
  const look = () => {
    stop();
    if (document.visibilityState === 'visible') stops = watched.map((one) => one.watch());
  };
  // What is asked for changes what is shown: an effect that watches must not begin anew by it.
  untrack(look);
  document.addEventListener('visibilitychange', look);
  return () => {
    document.removeEventListener('visibilitychange', look);
    stop();
  };
}
