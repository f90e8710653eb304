/**
 * What this computer keeps of the answers that it gave or got: of each lease the last proof. Kept in memory
 * (`memory-receipt-keeper.ts`), in a file (native-worker), in IndexedDB (web). The acceptance suite is
 * `suites/receipt-keeper.ts`.
 */
import type { Filing } from '../wire/control-protocol.ts';

/** The oldest go first, and of those first what the control plane has. */
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
  /** In place of what was kept of this lease. Once it resolves, the sudden end of this program takes nothing back. */
  keep(proof: KeptProof): Promise<void>;
  /** Need not be filed any more. Without effect when another proof was kept for its lease since. */
  settle(proof: KeptProof): Promise<void>;
  /** All, oldest first; also of earlier runs. */
  list(): Promise<Kept[]>;
  /** Idempotent. */
  close(): Promise<void>;
}
