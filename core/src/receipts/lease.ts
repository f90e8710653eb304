/**
 * The control plane's permission to run one task: who for whom, what with which model, at which price, until when.
 * Signed, so that a provider can check it offline; valid once with each provider that it names (`LeaseBook`). One
 * signature covers a whole shortlist: signing is the main cost of a match.
 */
import * as v from 'valibot';
import { sha256 } from '@noble/hashes/sha2.js';
import { concatBytes } from '@noble/hashes/utils.js';
import { fromBase32, toBase32 } from '../base/base32.ts';
import { canonical, readCanonical } from '../wire/canonical.ts';
import { MeshError } from '../base/errors.ts';
import { verify, type Identity } from '../identity/identity.ts';
import { isModelId, isPeerId, isTaskName, type ModelId, type PeerId, type TaskName } from '../base/ids.ts';
import { openRecord, signRecord } from '../identity/signed-record.ts';

const LEASE_VERSION = 4;
/** Leases without `priceVersion`, under which everything was free: peers keep receipts that name some. */
const OLD_LEASE_VERSION = 3;
export const LEASE_NONCE_BYTES = 16;
/** The most providers that one signature names. */
export const MAX_LEASED_PROVIDERS = 8;
const PEER_ID_BYTES = 20;
export const MAX_LEASE_BYTES = 640;
/** No lease is valid for longer, so no provider has to remember one for longer. */
export const MAX_LEASE_SECONDS = 600;
/** The most units of one task: an answer of this many tokens is longer than any model's context. */
export const MAX_LEASE_UNITS = 16_777_216;
/** The tolerance for the time that a provider heard from the control plane, or for its own clock if it heard none. */
export const CLOCK_SKEW_SECONDS = 30;

/** The terms that all providers of a shortlist share. */
interface Terms {
  /** The id of the control plane's key. */
  readonly issuer: PeerId;
  readonly requester: PeerId;
  /** The kind of task that it is offered for, see `TaskKind.offeredAs`. */
  readonly task: TaskName;
  readonly model: ModelId;
  /** The highest cost of a unit relative to one of a plain task, in thousandths: see `policy/price.ts`. */
  readonly complexity: number;
  /** Micro-credits for 1,000 units. */
  readonly price: number;
  /** How the price was computed: `PRICE_VERSION`. 0: it was not, and everything was free. */
  readonly priceVersion: number;
  readonly maxUnits: number;
  /** Seconds since 1970. */
  readonly expiresAt: number;
}

/** The signed form: one permission for each of these providers. */
export interface Leases extends Terms {
  readonly providers: readonly PeerId[];
  /** 16 random bytes. */
  readonly seed: Uint8Array;
}

/** The lease of one provider. */
export interface Lease extends Terms {
  readonly provider: PeerId;
  /** 16 bytes, derived from the seed and the provider; no two leases share them. */
  readonly nonce: Uint8Array;
}

const whole = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const beforePrice = [
  v.custom<PeerId>(isPeerId),
  v.custom<PeerId>(isPeerId),
  v.pipe(
    v.instance(Uint8Array),
    v.check(({ byteLength: n }) => n > 0 && n % PEER_ID_BYTES === 0 && n <= MAX_LEASED_PROVIDERS * PEER_ID_BYTES),
  ),
  v.custom<TaskName>(isTaskName),
  v.custom<ModelId>(isModelId),
  v.pipe(whole, v.minValue(1)),
] as const;
const afterPrice = [
  v.pipe(whole, v.minValue(1)),
  whole,
  v.pipe(v.instance(Uint8Array), v.length(LEASE_NONCE_BYTES)),
] as const;
const LeaseSchema = v.union([
  v.strictTuple([v.literal(LEASE_VERSION), ...beforePrice, whole, ...afterPrice, whole]),
  v.strictTuple([v.literal(OLD_LEASE_VERSION), ...beforePrice, v.literal(0), ...afterPrice]),
]);

/** Takes `issuer` from the identity. At most MAX_LEASED_PROVIDERS. */
export function signLeases(leases: Omit<Leases, 'issuer'>, control: Identity): Promise<Uint8Array<ArrayBuffer>> {
  const { requester, providers, task, model, complexity, price, priceVersion, maxUnits, expiresAt, seed } = leases;
  const ids = concatBytes(...providers.map(idBytes));
  const what = [task, model, complexity, price, maxUnits];
  const fields = [LEASE_VERSION, control.peerId, requester, ids, ...what, expiresAt, seed, priceVersion];
  return signRecord('lease', canonical(fields), control);
}

/** The leases, verified as their issuer's; or null. Does not check who that is, whom they are for, or when. */
export function readLeases(bytes: Uint8Array, check = verify): Leases | null {
  const record = openRecord('lease', bytes, MAX_LEASE_BYTES, check);
  const fields = record === null ? null : readCanonical(LeaseSchema, record.body);
  if (record === null || fields === null) return null;
  const [, issuer, requester, ids, task, model, complexity, price, maxUnits, expiresAt, seed, priceVersion = 0] =
    fields;
  if (issuer !== record.signer) return null;
  const providers: PeerId[] = [];
  for (let at = 0; at < ids.byteLength; at += PEER_ID_BYTES) {
    providers.push(toBase32(ids.subarray(at, at + PEER_ID_BYTES)) as PeerId);
  }
  const what = { task, model, complexity, price, priceVersion, maxUnits };
  return { issuer, requester, providers, ...what, expiresAt, seed: new Uint8Array(seed) };
}

/** The lease of one provider; null when it is not among them. `digest`: SHA-256, by whoever is fastest at it. */
export function leaseOf(
  leases: Leases,
  provider: PeerId,
  digest: (bytes: Uint8Array) => Uint8Array = sha256,
): Lease | null {
  const { providers, seed, issuer, requester, task, model, complexity } = leases;
  if (!providers.includes(provider)) return null;
  const nonce = new Uint8Array(digest(concatBytes(seed, idBytes(provider))).subarray(0, LEASE_NONCE_BYTES));
  const { price, priceVersion, maxUnits, expiresAt } = leases;
  return { issuer, requester, task, model, complexity, price, priceVersion, maxUnits, expiresAt, provider, nonce };
}

function idBytes(peer: PeerId): Uint8Array {
  // 32 characters of 5 bits: every peer id is 20 bytes.
  return fromBase32(peer)!;
}

export interface LeaseTerms {
  /** The control plane whose leases count here. */
  issuer: PeerId;
  requester: PeerId;
  provider: PeerId;
  /** The task's kind, as it is offered. */
  task: TaskName;
  model: ModelId;
  complexity: number;
  /** The most units that the task may take. */
  maxUnits: number;
  /** Seconds since 1970. */
  nowSeconds: number;
}

/** The lease, when it matches exactly. Throws lease_refused with the mismatch. Whether it was used, the book knows. */
export function checkLease(bytes: Uint8Array, terms: LeaseTerms, check = verify): Lease {
  const leases = readLeases(bytes, check);
  if (leases === null || leases.issuer !== terms.issuer) throw refused('It was not issued by this mesh.');
  if (leases.requester !== terms.requester) throw refused('It was issued to another computer.');
  const lease = leaseOf(leases, terms.provider);
  if (lease === null) throw refused('It was issued for another volunteer.');
  if (lease.task !== terms.task) throw refused('It was issued for another kind of task.');
  if (lease.model !== terms.model) throw refused('It was issued for another model.');
  if (lease.maxUnits < terms.maxUnits) throw refused('It was issued for a shorter answer.');
  if (lease.complexity < terms.complexity) throw refused('It was issued for a simpler task.');
  if (lease.expiresAt + CLOCK_SKEW_SECONDS < terms.nowSeconds)
    throw refused('It has expired, by that volunteer’s clock.');
  if (lease.expiresAt > terms.nowSeconds + MAX_LEASE_SECONDS + CLOCK_SKEW_SECONDS) {
    throw refused('It is valid for too long: the clocks of the mesh and of that volunteer disagree.');
  }
  return lease;
}

/** The leases that were used and could be presented again: each is valid once. */
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

  /** Call after `checkLease`, once the task is taken. Throws lease_refused if it was used, busy if the book is full. */
  use(lease: Lease, nowSeconds: number): void {
    const key = `${lease.issuer} ${lease.nonce.join(' ')}`;
    if (this.#used.has(key)) throw refused('It was already used.');
    if (nowSeconds >= this.#sweptSeconds + CLOCK_SKEW_SECONDS) this.#sweep(nowSeconds);
    // The clock was set back: a lease that we forgot as expired must not become valid again.
    if (lease.expiresAt + CLOCK_SKEW_SECONDS < this.#sweptSeconds) throw refused('It has expired.');
    // Forgetting one that is still valid would let it be used twice, so we refuse the new one instead.
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
  return new MeshError('lease_refused', `This lease is not valid. ${why} Ask again.`);
}
