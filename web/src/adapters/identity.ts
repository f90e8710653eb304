/**
 * Who this browser is on the mesh: an Ed25519 key that WebCrypto keeps and never shows, in IndexedDB. One for all
 * visits of a browser profile, in one tab at a time: two peers with one id would throw each other off the mesh.
 */
import { toBase32 } from '@llmesh/core/base/base32';
import type { Identity } from '@llmesh/core/identity/identity';
import type { PeerId } from '@llmesh/core/base/ids';
import type { Passing } from '../state/passing.ts';
import type { Store } from '../state/store.ts';
import { warn } from './log.ts';

const KEPT = 'identity';
const LOCK = 'llmesh-identity';
/** How long a reloaded page waits for the lock: the browser may not have taken it from the old page yet. */
const LOCK_PATIENCE_MS = 300;
const ED25519 = 'Ed25519';
const SEED_BYTES = 32;
const PUBLIC_KEY_BYTES = 32;
const PEER_ID_BYTES = 20;

export interface IdentityHost {
  store: Store;
  /** Absent, like the locks, on a page that came over plain http. */
  subtle: SubtleCrypto | undefined;
  locks: Pick<LockManager, 'request'> | undefined;
}

export interface BrowserIdentity {
  identity: Identity;
  /** Why it is forgotten when the page is closed; null: it is kept. */
  passing: Passing | null;
}

interface KeyPair {
  privateKey: CryptoKey;
  publicKey: Uint8Array<ArrayBuffer>;
}

/** Needs no storage, locks or WebCrypto's Ed25519. Rejects only when the code replacing the last cannot be fetched. */
export async function openIdentity({ store, subtle, locks }: IdentityHost): Promise<BrowserIdentity> {
  let passing: Passing | null = store.lasting ? await held(locks) : 'unkept';
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

/** null: this tab holds the lock until it is closed. Without locks we cannot know whether another tab has the identity. */
async function held(locks: Pick<LockManager, 'request'> | undefined): Promise<Passing | null> {
  if (locks === undefined) return 'unkept';
  return await new Promise((resolve) => {
    const untilTheTabCloses = () => {
      resolve(null);
      return new Promise<never>(() => {});
    };
    const patience = AbortSignal.timeout(LOCK_PATIENCE_MS);
    locks.request(LOCK, { signal: patience }, untilTheTabCloses).catch((error: unknown) => {
      if (!patience.aborted) warn('no lock for the identity', error);
      resolve(patience.aborted ? 'elsewhere' : 'unkept');
    });
  });
}

async function keptIdentity(store: Store, subtle: SubtleCrypto | undefined): Promise<Identity> {
  let kept = await store.get(KEPT);
  if (kept === undefined && subtle !== undefined) kept = await keepNewPair(store, subtle);
  if (isSeed(kept)) return identityOfSeed(kept);
  const identity = isKeyPair(kept) && subtle !== undefined ? await identityOf(kept, subtle) : null;
  if (identity !== null) return identity;
  // No Ed25519 in WebCrypto (Chrome before 137, Firefox before 129, Safari before 17), or a key that the browser has
  // lost (Safari). Then the secret itself is kept: anyone who can run code in this origin could read it. A key that
  // changes with each visit would be worth less.
  const seed = newSeed();
  await store.set([[KEPT, seed]]);
  return identityOfSeed(seed);
}

/** Read back from the store, since some browsers lose keys there; null when it cannot be made or kept. */
async function keepNewPair(store: Store, subtle: SubtleCrypto): Promise<unknown> {
  const pair = await newPair(subtle);
  if (pair === null) return null;
  try {
    await store.set([[KEPT, pair]]);
  } catch (error) {
    warn('this browser keeps no keys', error);
    return null;
  }
  return store.get(KEPT);
}

/** null where WebCrypto does not support Ed25519. */
async function newPair(subtle: SubtleCrypto): Promise<KeyPair | null> {
  try {
    const { privateKey, publicKey } = await subtle.generateKey(ED25519, false, ['sign', 'verify']);
    return { privateKey, publicKey: new Uint8Array(await subtle.exportKey('raw', publicKey)) };
  } catch (error) {
    warn('WebCrypto has no Ed25519 here', error);
    return null;
  }
}

/** null when the pair fails the self-test: the key is lost, or never was one. */
async function identityOf({ privateKey, publicKey }: KeyPair, subtle: SubtleCrypto): Promise<Identity | null> {
  const sign = async (message: Uint8Array) =>
    new Uint8Array(await subtle.sign(ED25519, privateKey, new Uint8Array(message)));
  try {
    const test = new TextEncoder().encode('llmesh/1/self-test\0');
    const verifyKey = await subtle.importKey('raw', publicKey, ED25519, true, ['verify']);
    if (!(await subtle.verify(ED25519, verifyKey, await sign(test), test))) throw new Error('The self-test failed.');
    // Repeats core's peerIdOf, so that a visit does not wait for the curve in software.
    const hash = new Uint8Array(await subtle.digest('SHA-256', publicKey));
    return { peerId: toBase32(hash.subarray(0, PEER_ID_BYTES)) as PeerId, publicKey, sign };
  } catch (error) {
    warn('the key of this browser is lost, it gets a new one', error);
    return null;
  }
}

async function identityOfSeed(seed: Uint8Array): Promise<Identity> {
  const { softwareIdentity } = await import('@llmesh/core/identity/identity');
  return softwareIdentity(seed);
}

function newSeed(): Uint8Array {
  return crypto.getRandomValues(new Uint8Array(SEED_BYTES));
}

function isSeed(value: unknown): value is Uint8Array {
  return value instanceof Uint8Array && value.byteLength === SEED_BYTES;
}

function isKeyPair(value: unknown): value is KeyPair {
  if (typeof value !== 'object' || value === null || !('privateKey' in value) || !('publicKey' in value)) return false;
  const { privateKey, publicKey } = value;
  return (
    privateKey instanceof CryptoKey && publicKey instanceof Uint8Array && publicKey.byteLength === PUBLIC_KEY_BYTES
  );
}
