/** Leave to run tasks: what the control plane signs for the providers of a shortlist (`lease.ts`). */
import { toBase32 } from '@llmesh/core/base32';
import type { Candidate } from '@llmesh/core/control-protocol';
import type { Identity } from '@llmesh/core/identity';
import type { ModelId, PeerId } from '@llmesh/core/ids';
import { LEASE_NONCE_BYTES, signLeases } from '@llmesh/core/lease';
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

  /** Leave for each of a shortlist to run one task; as bytes in base32, null for nobody. */
  async lease(
    candidates: readonly Candidate[],
    task: { requester: PeerId; model: ModelId; maxTokens: number },
  ): Promise<string | null> {
    if (candidates.length === 0) return null;
    const expiresAt = Math.floor(this.#now() / 1000) + LEASE_SECONDS;
    const providers = candidates.map(({ peerId }) => peerId);
    const terms = { ...task, providers, price: 0, expiresAt, seed: randomBytes(LEASE_NONCE_BYTES) };
    return toBase32(await signLeases(terms, this.#identity));
  }
}
