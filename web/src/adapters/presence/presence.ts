/** Whether somebody uses this computer, where the browser tells (Idle Detection API: Chromium's browsers, over https, with leave). */
import type { RestingNeeds } from '../../state/donate/rest/resting.svelte.ts';

/** The least that the browser allows: so long nobody has touched anything. */
const AWAY_MS = 60_000;

interface Detector extends EventTarget {
  readonly userState: 'active' | 'idle' | null;
  readonly screenState: 'locked' | 'unlocked' | null;
  start(options: { threshold: number; signal: AbortSignal }): Promise<void>;
}
interface DetectorClass {
  new (): Detector;
  requestPermission(): Promise<'granted' | 'denied'>;
}

function detectorClass(): DetectorClass | undefined {
  return (globalThis as { IdleDetector?: DetectorClass }).IdleDetector;
}

export const presence: RestingNeeds['presence'] = {
  async ask() {
    try {
      return (await detectorClass()?.requestPermission()) === 'granted';
    } catch {
      // NotAllowedError: the page is not where the browser allows it.
      return false;
    }
  },

  follow(told) {
    const found = detectorClass();
    if (found === undefined) {
      told(null);
      return () => {};
    }
    const ended = new AbortController();
    const detector = new found();
    const tell = () => told(detector.userState === 'active' && detector.screenState !== 'locked');
    detector.addEventListener('change', tell, { signal: ended.signal });
    detector.start({ threshold: AWAY_MS, signal: ended.signal }).then(tell, () => {
      // The person took the leave back.
      if (!ended.signal.aborted) told(null);
    });
    return () => ended.abort();
  },
};
