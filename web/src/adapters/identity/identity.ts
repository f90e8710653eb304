/**
 * Who this browser is on the mesh: an Ed25519 key that WebCrypto keeps and never shows, in IndexedDB. One for all
 * visits of a browser profile, in one tab at a time: two peers with one id would throw each other off the mesh.
 */
import type { Identity } from '@llmesh/core/identity/identity';
import type { Passing } from '../../state/passing.ts';
import type { Store } from '../../state/store.ts';
import { identityOf, identityOfKept, identityOfSeed, newPair, newSeed } from './identity-keys.ts';
import { warn } from '../log.ts';

/** The record of the key. */
export const IDENTITY = 'identity';
const LOCK = 'llmesh-identity';
/** How long a reloaded page waits for the lock: the browser may not have taken it from the old page yet. */
const LOCK_PATIENCE_MS = 300;

export interface IdentityHost {
  store: Store;
  /** Absent, like the locks, on a page that came over plain http. */
  subtle: SubtleCrypto | undefined;
  locks: Pick<LockManager, 'request'> | undefined;
  /** Calls back when this page is being left. The browser gives its locks back only when it has taken the page down. */
  leaving: (gone: () => void) => void;
}

export interface BrowserIdentity {
  identity: Identity;
  /** Why it is forgotten when the page is closed; null: it is kept. */
  passing: Passing | null;
}

/** Needs no storage, locks or WebCrypto's Ed25519. Rejects only when the code replacing the last cannot be fetched. */
export async function openIdentity({ store, subtle, locks, leaving }: IdentityHost): Promise<BrowserIdentity> {
  let passing: Passing | null = store.lasting ? await held(locks, leaving) : 'unkept';
  if (passing === null) {
    try {
      return { identity: await keptIdentity(store, subtle), passing };
    } catch (error) {
      warn('this visit has a name of its own, the lasting one cannot be kept or read', error);
      passing = 'unkept';
    }
  }
  const pair = subtle === undefined ? null : await newPair(subtle);
  const identity = subtle === undefined || pair === null ? null : await identityOf(pair, subtle);
  if (subtle === undefined) passing = 'insecure';
  return { identity: identity ?? (await identityOfSeed(newSeed())), passing };
}

/** null: this page holds the lock until it is left. Without locks we cannot know whether another tab has the identity. */
async function held(locks: IdentityHost['locks'], leaving: IdentityHost['leaving']): Promise<Passing | null> {
  if (locks === undefined) return 'unkept';
  // A lock that is free is ours, however long a busy phone takes to say so. Only one that another page has is waited for.
  const atOnce = await taken(locks, leaving, { ifAvailable: true });
  return atOnce === 'elsewhere' ? taken(locks, leaving, { signal: AbortSignal.timeout(LOCK_PATIENCE_MS) }) : atOnce;
}

function taken(
  locks: NonNullable<IdentityHost['locks']>,
  leaving: IdentityHost['leaving'],
  options: LockOptions,
): Promise<Passing | null> {
  return new Promise((resolve) => {
    const untilItIsLeft = (lock: Lock | null) => {
      resolve(lock === null ? 'elsewhere' : null);
      return lock === null ? Promise.resolve() : new Promise<void>(leaving);
    };
    locks.request(LOCK, options, untilItIsLeft).catch((error: unknown) => {
      const isLate = options.signal?.aborted === true;
      if (!isLate) warn('no lock for the identity', error);
      resolve(isLate ? 'elsewhere' : 'unkept');
    });
  });
}

async function keptIdentity(store: Store, subtle: SubtleCrypto | undefined): Promise<Identity> {
  let kept = await store.get(IDENTITY);
  if (kept === undefined && subtle !== undefined) kept = await keepNewPair(store, subtle);
  const identity = await identityOfKept(kept, subtle);
  if (identity !== null) return identity;
  // Then the secret itself is kept. A key that changes with each visit would be worth less.
  const seed = newSeed();
  await store.set([[IDENTITY, seed]]);
  return identityOfSeed(seed);
}

/** Read back from the store, since some browsers lose keys there; null when it cannot be made or kept. */
async function keepNewPair(store: Store, subtle: SubtleCrypto): Promise<unknown> {
  const pair = await newPair(subtle);
  if (pair === null) return null;
  try {
    await store.set([[IDENTITY, pair]]);
  } catch (error) {
    warn('this browser keeps no keys', error);
    return null;
  }
  return store.get(IDENTITY);
}
