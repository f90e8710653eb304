/** Files as fast as it can, and reports what was acknowledged: for `suites/delivery-writer.ts`, which kills it. */
import { toBase32 } from '@llmesh/core/base/base32';
import type { DeliveryStore } from '../receipts/delivery-store.ts';
import { NOW_S, receiptOf } from './deliveries.ts';

const BATCH = 10;

/** Called by the program of an adapter; the suite gets its arguments. */
export async function writeForever(store: DeliveryStore): Promise<never> {
  for (;;) {
    const batch = Array.from({ length: BATCH }, () => receiptOf());
    const outcomes = await store.file(batch, NOW_S * 1000);
    const kept = batch.filter((_, i) => outcomes[i] === 'kept');
    process.stdout.write(`${kept.map(({ lease }) => toBase32(lease.nonce)).join(' ')}\n`);
    // Lets other work end this process.
    await new Promise((resolve) => setImmediate(resolve));
  }
}
