/** How many tokens of this computer's answers others signed for, and were handed in, since the worker began. */
import { BoundedMap } from '@llmesh/core/base/bounded-map';
import { fromBase32 } from '@llmesh/core/base/base32';
import type { Filing } from '@llmesh/core/wire/control-protocol';
import type { PeerId } from '@llmesh/core/base/ids';
import { readAcknowledgement, readReceipt } from '@llmesh/core/receipts/receipt';
import { MAX_KEPT, type KeptProof } from '@llmesh/core/receipts/receipt-keeper';

export class SignedTokens {
  readonly #self: PeerId;
  /** A fuller proof of the same lease may come after a lesser one was accepted. */
  readonly #ofLease = new BoundedMap<string, number>(MAX_KEPT);
  readonly #read = new WeakMap<KeptProof, number>();
  #taken = 0;
  #waiting = 0;

  constructor(self: PeerId) {
    this.#self = self;
  }

  /** The tokens in proofs that the control plane has accepted. */
  get taken(): number {
    return this.#taken;
  }

  /** The tokens in proofs that it has not accepted yet. */
  get waiting(): number {
    return this.#waiting;
  }

  /** See `ReceiptFilerOptions.changed`. */
  changed(taken: KeptProof | null, waiting: Iterable<KeptProof>): void {
    if (taken !== null) this.#count(taken);
    this.#waiting = 0;
    for (const proof of waiting) this.#waiting += this.#more(proof);
  }

  #count(proof: KeptProof): void {
    const { leaseId } = proof;
    const more = this.#more(proof);
    this.#taken += more;
    const tokens = (this.#ofLease.get(leaseId) ?? 0) + more;
    this.#ofLease.set(leaseId, tokens);
  }

  /** How many more tokens it proves than were accepted for its lease before. */
  #more(proof: KeptProof): number {
    const tokens = this.#read.get(proof) ?? tokensBy(this.#self, proof.filing);
    this.#read.set(proof, tokens);
    return Math.max(0, tokens - (this.#ofLease.get(proof.leaseId) ?? 0));
  }
}

/** 0 where somebody else wrote the answer. */
function tokensBy(self: PeerId, { proof }: Filing): number {
  const half = fromBase32(proof.kind === 'receipt' ? proof.provider : proof.acknowledgement);
  if (half === null) return 0;
  const read =
    proof.kind === 'receipt' ? readReceipt(half, checkedBefore)?.receipt : readAcknowledgement(half, checkedBefore);
  return read?.provider === self ? read.units : 0;
}

/** Signatures are checked when a proof comes, and again by the one who accepts it. */
function checkedBefore(): boolean {
  return true;
}
