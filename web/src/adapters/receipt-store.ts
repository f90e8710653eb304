/** Receipts in the browser's store: one entry per lease. For one tab at a time, the one with the lasting identity. */
import * as v from 'valibot';
import { FilingSchema } from '@llmesh/core/wire/control-protocol';
import { KeptProofs } from '@llmesh/core/receipts/kept-proofs';
import { MemoryReceiptKeeper } from '@llmesh/core/receipts/memory-receipt-keeper';
import type { Kept, KeptProof, ReceiptKeeper } from '@llmesh/core/receipts/receipt-keeper';
import type { Store } from '../state/store.ts';
import { warn } from './log.ts';

const PREFIX = 'receipt/';

/** `order`: the order in which receipts were kept. */
const EntrySchema = v.object({ order: v.number(), filing: FilingSchema, settled: v.boolean() });
type Entry = v.InferOutput<typeof EntrySchema>;

/** null, as with a store that cannot be read: receipts are forgotten with the page. */
export async function openReceipts(store: Store | null): Promise<ReceiptKeeper> {
  try {
    if (store !== null) return await openReceiptStore(store);
  } catch (error) {
    warn('receipts are forgotten with this page, the browser does not show its store', error);
  }
  return new MemoryReceiptKeeper();
}

export async function openReceiptStore(store: Store): Promise<ReceiptKeeper> {
  const entries: [leaseId: string, entry: Entry][] = [];
  for (const [key, value] of await store.list(PREFIX)) {
    const read = v.safeParse(EntrySchema, value);
    if (read.success) entries.push([key.slice(PREFIX.length), read.output]);
    else await store.delete([key]);
  }
  return new ReceiptStore(
    store,
    entries.sort(([, a], [, b]) => a.order - b.order),
  );
}

/** How many of them are still to be filed, by whoever has delivered or asked. */
export async function unsettledReceipts(store: Store): Promise<number> {
  const read = (await store.list(PREFIX)).map(([, value]) => v.safeParse(EntrySchema, value));
  return read.filter(({ success, output }) => success && !output.settled).length;
}

class ReceiptStore implements ReceiptKeeper {
  readonly #store: Store;
  readonly #proofs = new KeptProofs();
  readonly #order = new Map<string, number>();
  #next = 0;

  constructor(store: Store, entries: [leaseId: string, entry: Entry][]) {
    this.#store = store;
    for (const [leaseId, { order, filing, settled }] of entries) {
      this.#proofs.put({ leaseId, filing }, settled);
      this.#order.set(leaseId, order);
      this.#next = order + 1;
    }
  }

  async keep(proof: KeptProof): Promise<void> {
    const gone = this.#proofs.put(proof);
    this.#order.set(proof.leaseId, this.#next++);
    await this.#write(proof, false);
    if (gone.length === 0) return;
    for (const leaseId of gone) this.#order.delete(leaseId);
    await this.#store.delete(gone.map((leaseId) => PREFIX + leaseId));
  }

  async settle(proof: KeptProof): Promise<void> {
    if (this.#proofs.settle(proof)) await this.#write(proof, true);
  }

  async list(): Promise<Kept[]> {
    return this.#proofs.list();
  }

  async close(): Promise<void> {}

  #write({ leaseId, filing }: KeptProof, settled: boolean): Promise<void> {
    const entry: Entry = { order: this.#order.get(leaseId) ?? 0, filing, settled };
    return this.#store.set([[PREFIX + leaseId, entry]]);
  }
}
