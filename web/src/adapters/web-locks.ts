/** The locks of the browser; where it has none, as on a page that came over plain http, those of `store-locks.ts`. */
import type { Locks, Release } from '../state/locks.ts';
import type { Store } from '../state/store.ts';

export async function openLocks(store: Store): Promise<Locks> {
  const { locks } = navigator as { locks?: LockManager };
  if (locks !== undefined) return new WebLocks(locks);
  const { openStoreLocks } = await import('./store-locks.ts');
  return openStoreLocks(store);
}

class WebLocks implements Locks {
  readonly #locks: LockManager;

  constructor(locks: LockManager) {
    this.#locks = locks;
  }

  hold(name: string, signal: AbortSignal): Promise<Release> {
    return new Promise((resolve, reject) => {
      this.#locks.request(name, { signal }, () => untilReleased(resolve)).catch(reject);
    });
  }

  tryHold(name: string): Promise<Release | null> {
    return new Promise((resolve, reject) => {
      const take = (lock: Lock | null) => (lock === null ? resolve(null) : untilReleased(resolve));
      this.#locks.request(name, { ifAvailable: true }, take).catch(reject);
    });
  }
}

/** The browser keeps the lock until this promise resolves. */
function untilReleased(got: (release: Release) => void): Promise<void> {
  return new Promise((release) => got(release));
}
