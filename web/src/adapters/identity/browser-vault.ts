/**
 * The identities in a browser's store. WebCrypto keeps the keys and never shows them, so only a key that is made together
 * with its locked text can be carried: its secret is in memory while that is made or opened, and overwritten then.
 */
import { isPeerId, type PeerId } from '@llmesh/core/base/ids';
import { asMeshError, MeshError } from '@llmesh/core/base/errors';
import type { IdentityVault, LockedIdentity, Work } from '../../state/identity/identity-vault.ts';
import type { Store } from '../../state/store.ts';
import { IDENTITY } from './identity.ts';
import { identityOfKept, keyOfSeed, newSeed, type KeptKey } from './identity-keys.ts';
import { warn } from '../log.ts';
import { unsettledReceipts } from '../receipt-store.ts';

/** The keys that this browser had, by their peer ids. */
const FORMER = 'identity-former/';
/** Those whose locked text was made, or opened, here. */
const CARRIED = 'identity-carried/';

export interface VaultHost {
  store: Store;
  subtle: SubtleCrypto;
  /** Whom the store says that we are. */
  self: PeerId;
}

export async function openVault(host: VaultHost): Promise<IdentityVault> {
  const { store, self } = host;
  try {
    const former = await store.list(FORMER);
    const carried = (await store.get(CARRIED + self)) === true;
    return new BrowserVault(
      host,
      former.map(([key]) => key.slice(FORMER.length)).filter((peer) => isPeerId(peer)),
      carried,
    );
  } catch (error) {
    warn('who this browser was before cannot be read', error);
    return new BrowserVault(host, [], false);
  }
}

class BrowserVault implements IdentityVault {
  readonly carried: boolean;
  readonly former: readonly PeerId[];
  readonly #host: VaultHost;
  /** Made or opened in this visit. */
  readonly #open = new Map<PeerId, KeptKey>();

  constructor(host: VaultHost, former: readonly PeerId[], carried: boolean) {
    this.#host = host;
    this.former = former;
    this.carried = carried;
  }

  async make(passphrase: string, work: Work): Promise<LockedIdentity> {
    const { exportKey } = await keyExport();
    const seed = newSeed();
    try {
      const text = await exportKey(seed, passphrase, work);
      return { peer: await this.#take(seed), text };
    } finally {
      seed.fill(0);
    }
  }

  async unlock(text: string, passphrase: string, work: Work): Promise<PeerId> {
    const { importKey } = await keyExport();
    const seed = await importKey(text, passphrase, work);
    try {
      return await this.#take(seed);
    } finally {
      seed.fill(0);
    }
  }

  async become(peer: PeerId, last: () => Promise<void>): Promise<void> {
    const { store, subtle, self } = this.#host;
    if ((await unsettledReceipts(store)) > 0) throw new MeshError('busy', NOT_FILED);
    const opened = this.#open.get(peer);
    // One that the browser has lost must not take the place of one that works.
    const key = opened ?? (await store.get(FORMER + peer));
    if ((await identityOfKept(key, subtle))?.peerId !== peer) throw new MeshError('identity_unusable', LOST);
    await last();
    const before = await store.get(IDENTITY);
    try {
      await store.set([
        [FORMER + self, before],
        [FORMER + peer, undefined],
        [IDENTITY, key],
        ...(opened === undefined ? [] : ([[CARRIED + peer, true]] as const)),
      ]);
      // Read back, since some browsers lose keys there.
      if ((await identityOfKept(await store.get(IDENTITY), subtle))?.peerId === peer) return;
    } catch (error) {
      throw asMeshError(error, 'identity_unusable', NOT_KEPT);
    }
    await store.set([
      [IDENTITY, before],
      [FORMER + self, undefined],
    ]);
    throw new MeshError('identity_unusable', NOT_KEPT);
  }

  async #take(seed: Uint8Array): Promise<PeerId> {
    const key = await keyOfSeed(seed, this.#host.subtle);
    const identity = await identityOfKept(key, this.#host.subtle);
    if (identity === null) throw new MeshError('identity_unusable', NOT_KEPT);
    this.#open.set(identity.peerId, key);
    return identity.peerId;
  }
}

/** Fetched by those who carry an identity: nobody else needs it. */
async function keyExport() {
  try {
    return await import('@llmesh/core/identity/key-export');
  } catch (cause) {
    throw new MeshError('offline', 'This page could not load what it needs. Check your connection, and try again.', {
      cause,
    });
  }
}

const NOT_FILED =
  'Something that was delivered under the identity of now is not in the ledger yet. Wait a moment until it is, and try again.';
const LOST = 'This browser has lost that key. Open it with its file, or stay who you are.';
const NOT_KEPT =
  'This browser could not keep that key, and is who it was. Free some space on this device, or use another browser.';
