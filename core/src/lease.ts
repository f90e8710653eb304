/**
 * The control plane's leave to run one task: who for whom, which model, at which price, until when. Signed, so that a
 * provider checks it without asking; good once (`LeaseBook`).
 */
import * as v from 'valibot';
import { canonical, readCanonical } from './canonical.ts';
import { MeshError } from './errors.ts';
import { verify, type Identity } from './identity.ts';
import { isModelId, isPeerId, type ModelId, type PeerId } from './ids.ts';
import { openRecord, signRecord } from './signed-record.ts';

const LEASE_VERSION = 1;
export const LEASE_NONCE_BYTES = 16;
export const MAX_LEASE_BYTES = 512;
/** No lease is good for longer, so no provider has to remember one for longer. */
export const MAX_LEASE_SECONDS = 600;
/** How far two computers' clocks may be apart. */
export const CLOCK_SKEW_SECONDS = 30;

export interface Lease {
  /** The id of the control plane's key. */
  readonly issuer: PeerId;
  readonly requester: PeerId;
  readonly provider: PeerId;
  readonly model: ModelId;
  /** Whole credits for 1,000 tokens. */
  readonly price: number;
  readonly maxTokens: number;
  /** Seconds since 1970. */
  readonly expiresAt: number;
  /** 16 bytes; no two leases share them. */
  readonly nonce: Uint8Array;
}

const whole = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const LeaseSchema = v.strictTuple([
  v.literal(LEASE_VERSION),
  v.custom<PeerId>(isPeerId),
  v.custom<PeerId>(isPeerId),
  v.custom<PeerId>(isPeerId),
  v.custom<ModelId>(isModelId),
  whole,
  v.pipe(whole, v.minValue(1)),
  whole,
  v.pipe(v.instance(Uint8Array), v.length(LEASE_NONCE_BYTES)),
]);

/** `issuer` is taken from the identity. */
export function signLease(lease: Omit<Lease, 'issuer'>, control: Identity): Promise<Uint8Array<ArrayBuffer>> {
  const { requester, provider, model, price, maxTokens, expiresAt, nonce } = lease;
  const fields = [LEASE_VERSION, control.peerId, requester, provider, model, price, maxTokens, expiresAt, nonce];
  return signRecord('lease', canonical(fields), control);
}

/** The lease and that it is its issuer's, or null. Says nothing of who that is, whom it is for, and when. */
export function readLease(bytes: Uint8Array, check = verify): Lease | null {
  const record = openRecord('lease', bytes, MAX_LEASE_BYTES, check);
  const fields = record === null ? null : readCanonical(LeaseSchema, record.body);
  if (record === null || fields === null) return null;
  const [, issuer, requester, provider, model, price, maxTokens, expiresAt, nonce] = fields;
  if (issuer !== record.signer) return null;
  return { issuer, requester, provider, model, price, maxTokens, expiresAt, nonce: new Uint8Array(nonce) };
}

export interface LeaseTerms {
  /** The control plane whose leave counts here. */
  issuer: PeerId;
  requester: PeerId;
  provider: PeerId;
  model: ModelId;
  /** That the task may take. */
  maxTokens: number;
  /** Seconds since 1970. */
  nowSeconds: number;
}

/** The lease, when it is just for this. Throws lease_refused with what is wrong. Whether it was used, the book knows. */
export function checkLease(bytes: Uint8Array, terms: LeaseTerms): Lease {
  const lease = readLease(bytes);
  if (lease === null || lease.issuer !== terms.issuer) throw refused('It was not given by this mesh.');
  if (lease.requester !== terms.requester) throw refused('It was given to another computer.');
  if (lease.provider !== terms.provider) throw refused('It was given for another volunteer.');
  if (lease.model !== terms.model) throw refused('It was given for another model.');
  if (lease.maxTokens < terms.maxTokens) throw refused('It was given for a shorter answer.');
  if (lease.expiresAt + CLOCK_SKEW_SECONDS < terms.nowSeconds) throw refused('It has run out.');
  if (lease.expiresAt > terms.nowSeconds + MAX_LEASE_SECONDS + CLOCK_SKEW_SECONDS) {
    throw refused('It is good for too long: is the clock of this computer right?');
  }
  return lease;
}

/** The leases that were used and could be shown again: each is good once. */
export class LeaseBook {
  #used = new Map<string, number>();
  #maxLeases: number;
  #sweptSeconds = 0;

  constructor(maxLeases = 65_536) {
    this.#maxLeases = maxLeases;
  }

  get size(): number {
    return this.#used.size;
  }

  /** Call after `checkLease`, once the task is taken. Throws lease_refused when it was used, busy when the book is full. */
  use(lease: Lease, nowSeconds: number): void {
    const key = `${lease.issuer} ${lease.nonce.join(' ')}`;
    if (this.#used.has(key)) throw refused('It was used before.');
    if (nowSeconds >= this.#sweptSeconds + CLOCK_SKEW_SECONDS) this.#sweep(nowSeconds);
    // The clock was put back: what was forgotten as run out must not come to life again.
    if (lease.expiresAt + CLOCK_SKEW_SECONDS < this.#sweptSeconds) throw refused('It has run out.');
    // Forgetting one that is still good would let it be used twice, so none is let in instead.
    if (this.#used.size >= this.#maxLeases) {
      throw new MeshError('busy', 'This volunteer has answered too many questions at once. Try again in a moment.');
    }
    this.#used.set(key, lease.expiresAt);
  }

  #sweep(nowSeconds: number): void {
    for (const [key, expiresAt] of this.#used) {
      if (expiresAt + CLOCK_SKEW_SECONDS < nowSeconds) this.#used.delete(key);
    }
    this.#sweptSeconds = nowSeconds;
  }
}

function refused(why: string): MeshError {
  return new MeshError('lease_refused', `The leave to run this task does not count. ${why} Ask again.`);
}
