/** Which proofs are kept and which had to go: the logic that all receipt keepers share, however they store them. */
import { MAX_KEPT, type Kept, type KeptProof } from './receipt-keeper.ts';

export class KeptProofs {
  /** Oldest first. */
  #kept = new Map<string, Kept>();

  get size(): number {
    return this.#kept.size;
  }

  /** Replaces what was kept for its lease. Returns the leases whose proofs had to go to make room. */
  put({ leaseId, filing }: KeptProof, settled = false): string[] {
    this.#kept.delete(leaseId);
    this.#kept.set(leaseId, { leaseId, filing, settled });
    const gone: string[] = [];
    while (this.#kept.size > MAX_KEPT) {
      const id = this.#leastNeeded();
      this.#kept.delete(id);
      gone.push(id);
    }
    return gone;
  }

  /** False when another proof is kept by now. */
  settle(proof: KeptProof): boolean {
    const kept = this.#kept.get(proof.leaseId);
    return kept !== undefined && sameProof(kept, proof) && this.settleLast(proof.leaseId);
  }

  /** Settles whatever is kept for this lease. False when there was nothing to change. */
  settleLast(leaseId: string): boolean {
    const kept = this.#kept.get(leaseId);
    if (kept === undefined || kept.settled) return false;
    this.#kept.set(leaseId, { ...kept, settled: true });
    return true;
  }

  list(): Kept[] {
    return [...this.#kept.values()];
  }

  #leastNeeded(): string {
    const all = [...this.#kept.values()];
    const { leaseId } = all.find(({ settled }, i) => settled && i < all.length - 1) ?? all[0]!;
    return leaseId;
  }
}

function sameProof({ filing: a }: KeptProof, { filing: b }: KeptProof): boolean {
  return a.lease === b.lease && JSON.stringify(a.proof) === JSON.stringify(b.proof);
}
