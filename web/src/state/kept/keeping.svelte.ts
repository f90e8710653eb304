/** Whether this browser keeps what it is given; and when not, why, and when it does again. */
import type { Clock } from '@llmesh/core/base/clock';

const TRY_AGAIN_MS = 5_000;

/** blocked: the browser allows no storage · full: no room is left · failing: it does not write, and does not say why */
export type Trouble = 'blocked' | 'full' | 'failing';

export interface KeepingNeeds {
  /** Why nothing can be kept in this visit, whatever happens; null: the store could be opened. */
  hopeless: Trouble | null;
  clock: Clock;
  /** Writes as much as a long answer has, and takes it away again. Rejects as `Store.set` does. */
  tryWrite: () => Promise<void>;
  /** Whether there is hardly any room left. Browsers do not always say so when they fail to write. */
  isFull: () => Promise<boolean>;
}

export class Keeping {
  readonly #needs: KeepingNeeds;
  #trouble = $state.raw<Trouble | null>(null);
  /** What the person has read and put away. */
  #dismissed = $state.raw<Trouble | null>(null);
  #trying: Promise<void> | null = null;
  #stopWaiting: (() => void) | null = null;
  #awaited: (() => void)[] = [];

  constructor(needs: KeepingNeeds) {
    this.#needs = needs;
    this.#trouble = needs.hopeless;
  }

  get trouble(): Trouble | null {
    return this.#trouble;
  }

  /** What the person has to be told; null: nothing, or they know. */
  get notice(): Trouble | null {
    return this.#trouble === this.#dismissed ? null : this.#trouble;
  }

  dismiss(): void {
    this.#dismissed = this.#trouble;
  }

  /** Finds out whether there is room now: at the start of a visit, and after something was deleted. Never rejects. */
  check(): Promise<void> {
    if (this.#needs.hopeless !== null) return Promise.resolve();
    this.#trying ??= this.#try().finally(() => (this.#trying = null));
    return this.#trying;
  }

  /** The store did not keep something. False: that was no trouble with the storage, or none that can pass. */
  takeFailure(error: unknown): boolean {
    if (this.#needs.hopeless !== null || !isOfStorage(error)) return false;
    this.#trouble ??= 'failing';
    if (isQuota(error)) this.#trouble = 'full';
    else void this.#findOutWhy();
    this.#stopWaiting ??= this.#needs.clock.after(TRY_AGAIN_MS, () => {
      this.#stopWaiting = null;
      void this.check();
    });
    return true;
  }

  /** Resolves when there is room. */
  room(): Promise<void> {
    if (this.#trouble === null) return Promise.resolve();
    return new Promise((resolve) => this.#awaited.push(resolve));
  }

  async #findOutWhy(): Promise<void> {
    // A browser that does not say how much room there is leaves it at what is known.
    const full = await this.#needs.isFull().catch(() => false);
    if (full && this.#trouble === 'failing') this.#trouble = 'full';
  }

  async #try(): Promise<void> {
    try {
      await this.#needs.tryWrite();
    } catch (error) {
      this.takeFailure(error);
      return;
    }
    this.#stopWaiting?.();
    this.#stopWaiting = null;
    this.#trouble = this.#dismissed = null;
    for (const resolve of this.#awaited.splice(0)) resolve();
  }
}

/** Mistakes in what was to be kept are no trouble with the storage. */
function isOfStorage(error: unknown): boolean {
  return error instanceof DOMException && error.name !== 'DataCloneError' && error.name !== 'DataError';
}

function isQuota(error: unknown): boolean {
  return error instanceof DOMException && error.name === 'QuotaExceededError';
}
