/** Whether this computer runs on battery, where the browser tells (Battery Status API: Chromium's browsers only). */
import type { Sense } from '../state/donate/rest/resting.svelte.ts';

interface Battery extends EventTarget {
  readonly charging: boolean;
}

export const battery: Sense = {
  follow(told) {
    const { getBattery } = navigator as { getBattery?: () => Promise<Battery> };
    if (getBattery === undefined) {
      told(null);
      return () => {};
    }
    const ended = new AbortController();
    getBattery.call(navigator).then(
      (found) => {
        if (ended.signal.aborted) return;
        const tell = () => told(!found.charging);
        found.addEventListener('chargingchange', tell, { signal: ended.signal });
        tell();
      },
      // The browser withholds it from this page.
      () => told(null),
    );
    return () => ended.abort();
  },
};
