/**
 * What this computer keeps about the answers that it gave or got: the last proof for each lease. Kept in memory
 * (`memory-receipt-keeper.ts`), in a file (native-worker) or in IndexedDB (web). The acceptance suite is
 * `suites/receipt-keeper.ts`.
 */
import type { Filing } from '../wire/control-protocol.ts';

/** The oldest go first, beginning with those that the control plane has. */
export const MAX_KEPT = 1_000;

export interface KeptProof {
  /** The lease's nonce in base32: no two leases share it. */
  readonly leaseId: string;
  readonly filing: Filing;
}

export interface Kept extends KeptProof {
  /** The control plane has it, or will never take it. */
  readonly settled: boolean;
}

export interface ReceiptKeeper {
  /** Replaces what was kept for this lease. Once it resolves, a crash of this program loses nothing. */
  keep(proof: KeptProof): Promise<void>;
  /** The proof need not be filed any more. Does nothing when another proof was kept for its lease since. */
  settle(proof: KeptProof): Promise<void>;
  /** All proofs, oldest first; also those of earlier runs. */
  list(): Promise<Kept[]>;
  /** Idempotent. */
  close(): Promise<void>;
}
