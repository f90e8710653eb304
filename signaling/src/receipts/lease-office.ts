/** Signs the control plane's leases for the providers of a shortlist (`lease.ts`). */
import { toBase32 } from '@llmesh/core/base/base32';
import type { Identity } from '@llmesh/core/identity/identity';
import type { PeerId } from '@llmesh/core/base/ids';
import { PRICE_VERSION } from '@llmesh/core/policy/price';
import { LEASE_NONCE_BYTES, signLeases, type Leases } from '@llmesh/core/receipts/lease';
import { randomBytes } from '@llmesh/core/base/random-bytes';
import type { Candidate } from '@llmesh/core/wire/candidate';
import { IssuedLeases } from './issued-leases.ts';

/** Long enough to be dialled and to wait in a provider's queue. */
const LEASE_SECONDS = 120;
/** Asking the system for random bytes takes about as long for one seed as for hundreds. */
const SEEDS_AT_ONCE = 256;

/** What is known of a lease before anybody is named in it. */
export interface LeaseDraft {
  /** Credits for it are held under this id. */
  readonly seed: Uint8Array;
  /** Seconds since 1970. */
  readonly expiresAt: number;
}

export class LeaseOffice {
  readonly issuer: PeerId;
  readonly issued = new IssuedLeases();
  readonly #identity: Identity;
  readonly #now: () => number;
  #seeds = new Uint8Array();

  /** `now`: milliseconds since 1970; leases are for other computers. */
  constructor(identity: Identity, now: () => number) {
    this.issuer = identity.peerId;
    this.#identity = identity;
    this.#now = now;
  }

  /** The time by which leases are dated, so peers are told. */
  get nowMs(): number {
    return Math.floor(this.#now());
  }

  /** Good for one lease. */
  draft(): LeaseDraft {
    return { seed: this.#seed(), expiresAt: Math.floor(this.#now() / 1000) + LEASE_SECONDS };
  }

  /**
   * The lease for all of a shortlist to run one task, in base32; null for an empty one. `price`: micro-credits for 1,000
   * units, for which enough is held under the draft's seed; 0: it is free.
   */
  async lease(
    candidates: readonly Candidate[],
    asked: Pick<Leases, 'requester' | 'task' | 'model' | 'complexity' | 'maxUnits'>,
    price = 0,
    draft: LeaseDraft = this.draft(),
  ): Promise<string | null> {
    if (candidates.length === 0) return null;
    const providers = candidates.map(({ peerId }) => peerId);
    const terms = { ...asked, providers, price, priceVersion: PRICE_VERSION, ...draft };
    const signed = await signLeases(terms, this.#identity);
    this.issued.add(signed, { ...terms, issuer: this.issuer });
    return toBase32(signed);
  }

  /** Each is used once. */
  #seed(): Uint8Array {
    if (this.#seeds.byteLength === 0) this.#seeds = randomBytes(SEEDS_AT_ONCE * LEASE_NONCE_BYTES);
    const seed = this.#seeds.subarray(0, LEASE_NONCE_BYTES);
    this.#seeds = this.#seeds.subarray(LEASE_NONCE_BYTES);
    return seed;
  }
}
