/** A person takes their identity along, brings one here, or goes back to one: step by step, and nothing before the last. */
import { asMeshError, type MeshError } from '@llmesh/core/base/errors';
import type { PeerId } from '@llmesh/core/base/ids';
import type { Micro } from '@llmesh/core/ledger/credit';
import type { Orders } from '../credits/order-desk.svelte.ts';
import type { IdentityVault, LockedIdentity } from './identity-vault.ts';

/** Far more than a key has: a larger file is not read. */
const MAX_FILE_BYTES = 65_536;

export interface IdentityDeskNeeds {
  vault: IdentityVault;
  orders: Orders;
  /** Loads the page again. */
  restart: () => void;
}

export class IdentityDesk {
  readonly #needs: IdentityDeskNeeds;
  #share = $state<number | null>(null);
  #made = $state.raw<LockedIdentity | null>(null);
  #unlocked = $state.raw<PeerId | null>(null);
  #error = $state.raw<MeshError | null>(null);
  #changing = $state(false);
  #working: AbortController | null = null;

  constructor(needs: IdentityDeskNeeds) {
    this.#needs = needs;
  }

  /** How far the work on a passphrase is, 0 to 1; null: there is none. */
  get share(): number | null {
    return this.#share;
  }

  /** A new identity, which is used nowhere yet. */
  get made(): LockedIdentity | null {
    return this.#made;
  }

  /** One from elsewhere, which is not used here yet. */
  get unlocked(): PeerId | null {
    return this.#unlocked;
  }

  /** The page is about to be another peer. */
  get changing(): boolean {
    return this.#changing;
  }

  /** Why the last step failed, and what to do. */
  get error(): MeshError | null {
    return this.#error;
  }

  /** Never rejects; `error` tells. */
  async make(passphrase: string): Promise<void> {
    await this.#work(async (work) => {
      this.#made = await this.#needs.vault.make(passphrase, work);
    });
  }

  /** Never rejects; `error` tells. */
  async unlock(text: string, passphrase: string): Promise<void> {
    await this.#work(async (work) => {
      this.#unlocked = await this.#needs.vault.unlock(text, passphrase, work);
    });
  }

  /** Ends the work on a passphrase, or forgets what came of it. */
  drop(): void {
    this.#working?.abort();
    this.#made = null;
    this.#unlocked = null;
    this.#error = null;
  }

  /** Is that peer from now on. `along`: so many credits go to it first. Never rejects; `error` tells. */
  async become(peer: PeerId, along: Micro = 0): Promise<void> {
    if (this.#changing) return;
    this.#changing = true;
    this.#error = null;
    const { vault, orders, restart } = this.#needs;
    try {
      const { signal } = new AbortController();
      await vault.become(peer, async () => {
        if (along > 0) await orders.place({ kind: 'transfer', to: peer, amount: along }, signal);
      });
      restart();
    } catch (thrown) {
      this.#changing = false;
      this.#error = asMeshError(thrown, 'identity_unusable', 'This browser could not change who it is. Try again.');
    }
  }

  async #work(step: (work: { signal: AbortSignal; onProgress: (share: number) => void }) => Promise<void>) {
    if (this.#working !== null) return;
    const working = new AbortController();
    this.#working = working;
    this.#error = null;
    this.#share = 0;
    try {
      await step({ signal: working.signal, onProgress: (share) => (this.#share = share) });
    } catch (thrown) {
      const error = asMeshError(thrown, 'identity_unusable', 'This browser could not work on that. Try again.');
      if (error.code !== 'cancelled') this.#error = error;
    } finally {
      this.#working = null;
      this.#share = null;
    }
  }
}

/** A sentence about a file that is no key, or null. Its content is not looked at. */
export function fileFault({ size }: Pick<File, 'size'>): string | null {
  if (size === 0) return 'That file is empty. Choose the one that was saved when the identity was made.';
  if (size <= MAX_FILE_BYTES) return null;
  return 'That file is too large to be a key. Choose the one that was saved when the identity was made.';
}
