/** Who may open a socket on `/signal` under which id: a token per proven session on `/mesh`, valid a while longer. */
import { toBase32 } from '@llmesh/core/base/base32';
import type { Clock } from '@llmesh/core/base/clock';
import type { PeerId } from '@llmesh/core/base/ids';
import { randomBytes } from '@llmesh/core/base/random-bytes';
import type { Vault } from '../cluster/vault.ts';

/** A peer whose connections break together may come back to `/signal` first. */
export const GRACE_MS = 60_000;
/** How long the vault keeps a pass. Those of an instance that dies expire on their own, ... */
export const HELD_MS = 7_200_000;
/** ... and those of continuing sessions are renewed. */
const HOLD_AGAIN_MS = HELD_MS / 2;
const TOKEN_BYTES = 16;

/** The pass of one session. */
export interface SignalPass {
  readonly token: string;
  /** The session has ended. Idempotent. */
  end(): void;
}

export class SignalPasses {
  readonly #clock: Clock;
  readonly #vault: Vault;

  constructor(clock: Clock, vault: Vault) {
    this.#clock = clock;
    this.#vault = vault;
  }

  /** Resolves when it opens `/signal`, at whichever instance. */
  async issue(peer: PeerId): Promise<SignalPass> {
    const token = toBase32(randomBytes(TOKEN_BYTES));
    await this.#vault.put(token, peer, HELD_MS);
    let stopHolding: (() => void) | null = null;
    const holdAgain = () => {
      stopHolding = this.#clock.after(HOLD_AGAIN_MS, () => {
        this.#put(token, peer, HELD_MS);
        holdAgain();
      });
    };
    holdAgain();
    const end = () => {
      if (stopHolding === null) return;
      stopHolding();
      stopHolding = null;
      this.#put(token, peer, GRACE_MS);
    };
    return { token, end };
  }

  async admits(peer: PeerId, token: string): Promise<boolean> {
    return (await this.#vault.read(token)) === peer;
  }

  /** If that fails now, it is tried again, or the pass expires on its own. */
  #put(token: string, peer: PeerId, forMs: number): void {
    this.#vault.put(token, peer, forMs).catch(() => {});
  }
}
