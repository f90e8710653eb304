/** Node's own WebCrypto; the browser's storage and locks have stand-ins. */
import { peerIdOf, signed, softwareIdentity, verify, type Identity } from '@llmesh/core/identity/identity';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { MemoryStore, type Entry } from '../../state/store.ts';
import { StandInIndexedDb } from '../../testing/stand-in-indexed-db.ts';
import { openIdentity } from './identity.ts';

const { subtle } = crypto;

/** One browser profile: each call of `tab` opens one, each returned `close` closes it. */
class StandInLocks {
  #holder: object | null = null;
  readonly #waiting: (() => void)[] = [];

  tab() {
    const me = {};
    const request = async (
      _name: string,
      { signal, ifAvailable = false }: LockOptions,
      callback: (lock: object | null) => Promise<unknown>,
    ) => {
      if (this.#holder !== null && ifAvailable) {
        await callback(null);
        return;
      }
      if (this.#holder !== null) {
        await new Promise<void>((resolve, reject) => {
          this.#waiting.push(resolve);
          signal?.addEventListener('abort', () => reject(signal.reason as Error));
        });
      }
      this.#holder = me;
      await callback(me);
      close();
    };
    const close = () => {
      if (this.#holder !== me) return;
      this.#holder = null;
      this.#waiting.shift()?.();
    };
    return { locks: { request } as unknown as LockManager, close };
  }
}

/** A page that is never left. */
const stays = { leaving: () => {} };
const free = () => new StandInLocks().tab().locks;

async function works(identity: Identity): Promise<void> {
  expect(identity.peerId).toBe(peerIdOf(identity.publicKey));
  const message = signed('hello', new Uint8Array([1, 2, 3]));
  expect(verify(identity.publicKey, message, await identity.sign(message))).toBe(true);
}

const withoutEd25519 = new Proxy(subtle, {
  get: (target, name) =>
    name === 'generateKey'
      ? () => Promise.reject(new DOMException('Unrecognized name.', 'NotSupportedError'))
      : (Reflect.get(target, name) as () => unknown).bind(target),
});

describe('the identity of a browser', () => {
  beforeEach(() => {
    vi.spyOn(console, 'warn').mockImplementation(() => {});
  });
  afterEach(() => {
    vi.restoreAllMocks();
  });

  it('signs, and is the same at the next visit', async () => {
    const store = new StandInIndexedDb();
    const first = await openIdentity({ ...stays, store, subtle, locks: free() });
    await works(first.identity);
    const second = await openIdentity({ ...stays, store, subtle, locks: free() });
    await works(second.identity);
    expect([first.passing, second.passing]).toEqual([null, null]);
    expect(second.identity.peerId).toBe(first.identity.peerId);
  });

  it('is a key that nothing can read out', async () => {
    const store = new StandInIndexedDb();
    await openIdentity({ ...stays, store, subtle, locks: free() });
    const { privateKey } = (await store.get('identity')) as { privateKey: CryptoKey };
    expect(privateKey.extractable).toBe(false);
    await expect(subtle.exportKey('pkcs8', privateKey)).rejects.toThrow();
  });

  it('is held by one tab; others have their own until it is closed', async () => {
    const store = new StandInIndexedDb();
    const profile = new StandInLocks();
    const first = profile.tab();
    const a = await openIdentity({ ...stays, store, subtle, locks: first.locks });
    const b = await openIdentity({ ...stays, store, subtle, locks: profile.tab().locks });
    await works(b.identity);
    expect(b.passing).toBe('elsewhere');
    expect(b.identity.peerId).not.toBe(a.identity.peerId);
    first.close();
    const c = await openIdentity({ ...stays, store, subtle, locks: profile.tab().locks });
    expect(c.identity.peerId).toBe(a.identity.peerId);
  });

  it('is ours where nobody has it, however long a busy computer takes to say so', async () => {
    const late = {
      request: (_name: string, { signal }: LockOptions, callback: (lock: object) => Promise<unknown>) =>
        signal === undefined ? callback({}) : Promise.reject(new DOMException('Too late.', 'TimeoutError')),
    };
    const locks = late as unknown as LockManager;
    const opened = await openIdentity({ ...stays, store: new StandInIndexedDb(), subtle, locks });
    expect(opened.passing).toBeNull();
  });

  it('is the next page’s as soon as a page is left, however long the browser takes to take that down', async () => {
    const store = new StandInIndexedDb();
    const profile = new StandInLocks();
    let leave = () => {};
    const before = await openIdentity({
      ...{ store, subtle, locks: profile.tab().locks },
      leaving: (gone) => (leave = gone),
    });
    leave();
    const after = await openIdentity({ ...stays, store, subtle, locks: profile.tab().locks });
    expect([after.passing, after.identity.peerId]).toEqual([null, before.identity.peerId]);
  });

  it('is in software, and lasts, where WebCrypto has no Ed25519', async () => {
    const store = new StandInIndexedDb();
    const first = await openIdentity({ ...stays, store, subtle: withoutEd25519, locks: free() });
    await works(first.identity);
    expect(first.passing).toBeNull();
    // Also once the browser has learnt it.
    const second = await openIdentity({ ...stays, store, subtle, locks: free() });
    expect(second.identity.peerId).toBe(first.identity.peerId);
  });

  it('is a new one in software when the browser has lost the key', async () => {
    const lost = { privateKey: undefined, publicKey: softwareIdentity(new Uint8Array(32)).publicKey };
    const { privateKey } = await subtle.generateKey('Ed25519', false, ['sign', 'verify']);
    for (const kept of [lost, { ...lost, privateKey }, {}, null, new Uint8Array(31), 'text']) {
      const store = new StandInIndexedDb();
      await store.set([['identity', kept]]);
      const first = await openIdentity({ ...stays, store, subtle, locks: free() });
      await works(first.identity);
      const second = await openIdentity({ ...stays, store, subtle, locks: free() });
      expect(second.identity.peerId).toBe(first.identity.peerId);
      expect(await store.get('identity')).toBeInstanceOf(Uint8Array);
    }
  });

  it('is in software where storage takes bytes and no keys', async () => {
    class NoKeys extends StandInIndexedDb {
      override async set(entries: readonly Entry[]): Promise<void> {
        if (!(entries[0]?.[1] instanceof Uint8Array)) throw new DOMException('No keys.', 'DataCloneError');
        await super.set(entries);
      }
    }
    const opened = await openIdentity({ ...stays, store: new NoKeys(), subtle, locks: free() });
    await works(opened.identity);
    expect(opened.passing).toBeNull();
  });

  it('lasts a visit where nothing is kept, no lock is had, or the page is insecure, and says which', async () => {
    class Broken extends StandInIndexedDb {
      override get(): Promise<unknown> {
        return Promise.reject(new Error('The disk is gone.'));
      }
    }
    const denied = { request: () => Promise.reject(new DOMException('Denied.', 'SecurityError')) };
    for (const [why, host] of [
      ['unkept', { store: new MemoryStore(), subtle, locks: free() }],
      ['unkept', { store: new Broken(), subtle, locks: free() }],
      ['unkept', { store: new StandInIndexedDb(), subtle, locks: denied }],
      ['insecure', { store: new StandInIndexedDb(), subtle: undefined, locks: undefined }],
    ] as const) {
      const opened = await openIdentity({ ...stays, ...host });
      await works(opened.identity);
      expect(opened.passing).toBe(why);
    }
  });
});
