/** Node's own WebCrypto; the browser's storage has a stand-in. */
import { exportKey, importKey } from '@llmesh/core/identity/key-export';
import { signed, softwareIdentity, verify } from '@llmesh/core/identity/identity';
import { MeshError } from '@llmesh/core/base/errors';
import { randomBytes } from '@llmesh/core/base/random-bytes';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Entry } from '../../state/store.ts';
import { StandInIndexedDb } from '../../testing/stand-in-indexed-db.ts';
import { openVault } from './browser-vault.ts';
import { openIdentity } from './identity.ts';

const { subtle } = crypto;
/** Cheap to guess, and as quick to make: what each step costs is not asked here. */
const work = { signal: new AbortController().signal, onProgress: () => {}, log2N: 10 };
const free = { request: (_name: string, _options: unknown, callback: () => unknown) => Promise.resolve(callback()) };
const nothing = async () => {};

/** The browser when its page is loaded. */
async function visit(store: StandInIndexedDb) {
  const { identity } = await openIdentity({ store, subtle, locks: free as unknown as LockManager, leaving() {} });
  return { identity, vault: await openVault({ store, subtle, self: identity.peerId }) };
}

async function fromElsewhere() {
  const seed = randomBytes(32);
  return { peer: softwareIdentity(seed).peerId, text: await exportKey(seed, 'correct horse', work) };
}

describe('the identities of a browser', () => {
  beforeEach(() => {
    vi.spyOn(console, 'warn').mockImplementation(() => {});
  });
  afterEach(() => {
    vi.restoreAllMocks();
  });

  it('are made with a text that opens them elsewhere, and keep no key that anything can read out', async () => {
    const store = new StandInIndexedDb();
    const { identity, vault } = await visit(store);
    expect([vault.carried, vault.former]).toEqual([false, []]);
    const shares: number[] = [];
    const told = { ...work, onProgress: (share: number) => shares.push(share) };
    const { peer, text } = await vault.make('correct horse', told);
    expect(shares.at(-1)).toBe(1);
    expect(softwareIdentity(await importKey(text, 'correct horse', work)).peerId).toBe(peer);
    // Nothing has happened yet.
    expect((await visit(store)).identity.peerId).toBe(identity.peerId);

    await vault.become(peer, nothing);
    const after = await visit(store);
    expect(after.identity.peerId).toBe(peer);
    expect([after.vault.carried, after.vault.former]).toEqual([true, [identity.peerId]]);
    const message = signed('hello', new Uint8Array([1, 2, 3]));
    expect(verify(after.identity.publicKey, message, await after.identity.sign(message))).toBe(true);
    for (const [, kept] of await store.list('identity')) {
      if (kept === true) continue;
      const { privateKey } = kept as { privateKey: CryptoKey };
      expect(privateKey.extractable).toBe(false);
      await expect(subtle.exportKey('pkcs8', privateKey)).rejects.toThrow();
    }

    await after.vault.become(identity.peerId, nothing);
    const back = await visit(store);
    expect(back.identity.peerId).toBe(identity.peerId);
    expect([back.vault.carried, back.vault.former]).toEqual([false, [peer]]);
  });

  it('come from elsewhere with their passphrase alone', async () => {
    const store = new StandInIndexedDb();
    const { vault } = await visit(store);
    const { peer, text } = await fromElsewhere();
    await expect(vault.unlock(text, 'wrong horse', work)).rejects.toMatchObject({ code: 'wrong_passphrase' });
    await expect(vault.unlock(text.slice(0, -1), 'correct horse', work)).rejects.toMatchObject({
      code: 'key_unreadable',
    });
    await expect(vault.become(peer, nothing)).rejects.toMatchObject({ code: 'identity_unusable' });
    expect(await vault.unlock(text, 'correct horse', work)).toBe(peer);
    await vault.become(peer, nothing);
    const { identity, vault: after } = await visit(store);
    expect([identity.peerId, after.carried]).toEqual([peer, true]);
  });

  it('stay as they are when something stands against the change', async () => {
    const store = new StandInIndexedDb();
    const { identity, vault } = await visit(store);
    const { text } = await fromElsewhere();
    const peer = await vault.unlock(text, 'correct horse', work);
    const refusal = new MeshError('order_refused', 'No.');
    await expect(vault.become(peer, () => Promise.reject(refusal))).rejects.toBe(refusal);

    const waiting = {
      order: 0,
      filing: { lease: 'aa', proof: { kind: 'acknowledgement', acknowledgement: 'aa' } },
      settled: false,
    };
    await store.set([['receipt/a', waiting]]);
    const last = vi.fn(nothing);
    await expect(vault.become(peer, last)).rejects.toMatchObject({ code: 'busy' });
    expect(last).not.toHaveBeenCalled();
    expect((await visit(store)).identity.peerId).toBe(identity.peerId);
    await store.set([['receipt/a', { ...waiting, settled: true }]]);
    await vault.become(peer, last);
    expect((await visit(store)).identity.peerId).toBe(peer);
  });

  it('stay as they are where the browser loses a key, or keeps none', async () => {
    let lossy = false;
    class Lossy extends StandInIndexedDb {
      override async set(entries: readonly Entry[]): Promise<void> {
        const lose = lossy;
        // What is put back afterwards was there before.
        lossy = false;
        await super.set(lose ? entries.map(([key, value]) => [key, key === 'identity' ? {} : value]) : entries);
      }
    }
    const store = new Lossy();
    const { identity, vault } = await visit(store);
    const peer = await vault.unlock((await fromElsewhere()).text, 'correct horse', work);
    lossy = true;
    await expect(vault.become(peer, nothing)).rejects.toMatchObject({ code: 'identity_unusable' });
    const after = await visit(store);
    expect([after.identity.peerId, after.vault.former]).toEqual([identity.peerId, []]);
    vi.spyOn(store, 'set').mockRejectedValue(new DOMException('No room.', 'QuotaExceededError'));
    await expect(after.vault.become(peer, nothing)).rejects.toMatchObject({ code: 'identity_unusable' });
  });
});
