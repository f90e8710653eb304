/** The service worker that keeps the page, as the page sees it: newer versions are told, and taken when the person wants to. */

export interface PageWorkerNeeds {
  /** A newer version is there. `fresh`: it has just come; else another tab has gone on to it. */
  newer: (fresh: boolean) => void;
}

export class PageWorker {
  readonly #registration: ServiceWorkerRegistration;

  /** null where there are no service workers, as on a page that came over plain http. */
  static async register({ newer }: PageWorkerNeeds): Promise<PageWorker | null> {
    // Absent where the types say that it always is there.
    const { serviceWorker } = navigator as { serviceWorker?: ServiceWorkerContainer };
    if (serviceWorker === undefined) return null;
    let controlled = serviceWorker.controller !== null;
    serviceWorker.addEventListener('controllerchange', () => {
      // The very first one takes a page of its own version.
      if (controlled) newer(false);
      controlled = true;
    });
    const registration = await serviceWorker.register('/sw.js');
    if (registration.waiting !== null) newer(true);
    registration.addEventListener('updatefound', () => {
      const coming = registration.installing;
      const first = registration.active === null;
      coming?.addEventListener('statechange', () => coming.state === 'installed' && !first && newer(true));
    });
    return new PageWorker(registration);
  }

  private constructor(registration: ServiceWorkerRegistration) {
    this.#registration = registration;
  }

  /** Asks the server whether there is a newer version. Rejects without a network. */
  async look(): Promise<void> {
    await this.#registration.update();
  }

  /** Resolves when the newest version that is here serves what is loaded from now on. Other tabs keep theirs. */
  async takeNewest(): Promise<void> {
    const { waiting } = this.#registration;
    if (waiting === null) return;
    await new Promise<void>((resolve) => {
      waiting.addEventListener('statechange', () => {
        if (waiting.state === 'activated' || waiting.state === 'redundant') resolve();
      });
      waiting.postMessage({ type: 'SKIP_WAITING' });
    });
  }
}
