/** The identities that this browser can have: the adapter is `adapters/identity/browser-vault.ts`. */
import type { PeerId } from '@llmesh/core/base/ids';

export interface Work {
  signal: AbortSignal;
  /** Told the progress from 0 to 1 while the passphrase is worked on, which takes some seconds. */
  onProgress: (share: number) => void;
}

export interface LockedIdentity {
  peer: PeerId;
  /** What `unlock` and `llmesh identity import` read. */
  text: string;
}

export interface IdentityVault {
  /** Ours came with a text: whoever has it can open it elsewhere. */
  readonly carried: boolean;
  /** Whom this browser was before, and can be again. */
  readonly former: readonly PeerId[];
  /** A new one, locked with the passphrase. Nothing is kept yet. Rejects with wrong_passphrase or cancelled. */
  make(passphrase: string, work: Work): Promise<LockedIdentity>;
  /** Nothing is kept yet. Rejects with key_unreadable, wrong_passphrase, version_mismatch or cancelled. */
  unlock(text: string, passphrase: string, work: Work): Promise<PeerId>;
  /**
   * This browser is one that was made or unlocked here, or a former one, as soon as the page is loaded again; who it was is
   * a former one then. `last` is what is to be done before, once nothing stands against it. Rejects with what `last` rejects
   * with, busy while there is something to wait for, identity_unusable where it cannot be kept.
   */
  become(peer: PeerId, last: () => Promise<void>): Promise<void>;
}
