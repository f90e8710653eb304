/** Keeps receipts as long as the program runs: for peers whose identity lasts no longer. */
import { KeptProofs } from './kept-proofs.ts';
import type { Kept, KeptProof, ReceiptKeeper } from './receipt-keeper.ts';

export class MemoryReceiptKeeper implements ReceiptKeeper {
  readonly #proofs = new KeptProofs();

  async keep(proof: KeptProof): Promise<void> {
    this.#proofs.put(proof);
  }

  async settle(proof: KeptProof): Promise<void> {
    this.#proofs.settle(proof);
  }

  async list(): Promise<Kept[]> {
    return this.#proofs.list();
  }

  async close(): Promise<void> {}
}
