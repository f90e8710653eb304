/** Leave to run tasks: what the control plane signs for each provider of a shortlist (`lease.ts`). */
import { toBase32 } from '@llmesh/core/base32';
import type { Candidate, Leased } from '@llmesh/core/control-protocol';
import type { Identity } from '@llmesh/core/identity';
import type { PeerId } from '@llmesh/core/ids';
import { LEASE_NONCE_BYTES, signLease } from '@llmesh/core/lease';
import { randomBytes } from '@llmesh/core/random-bytes';

/** Long enough to be dialled and to wait in a provider's queue. */
const LEASE_SECONDS = 120;

export class LeaseOffice {
  readonly issuer: PeerId;
  readonly #identity: Identity;
  readonly #now: () => number;

  /** `now`: milliseconds since 1970; leases are for other computers. */
  constructor(identity: Identity, now: () => number) {
    this.issuer = identity.peerId;
    this.#identity = identity;
    this.#now = now;
  }

  /** The same providers in the same order, each with its own leave. */
  lease(candidates: readonly Candidate[], requester: PeerId, maxTokens: number): Promise<Leased[]> {
    const expiresAt = Math.floor(this.#now() / 1000) + LEASE_SECONDS;
    return Promise.all(
      candidates.map(async (candidate) => {
        const terms = {
          requester,
          provider: candidate.peerId,
          model: candidate.model.id,
          price: 0,
          maxTokens,
          expiresAt,
        };
        const lease = await signLease({ ...terms, nonce: randomBytes(LEASE_NONCE_BYTES) }, this.#identity);
        return { ...candidate, lease: toBase32(lease) };
      }),
    );
  }
}
