/** Files as fast as it can, and says what was acknowledged: for `suites/delivery-writer.ts`, which kills it. */
import { toBase32 } from '@llmesh/core/base/base32';
import type { DeliveryStore } from '../receipts/delivery-store.ts';
import { NOW_S, receiptOf } from './deliveries.ts';

const BATCH = 10;

/** What the program of an adapter calls; the suite is given its arguments. */
export async function writeForever(store: DeliveryStore): Promise<never> {
  for (;;) {
    const batch = Array.from({ length: BATCH }, () => receiptOf());
    const outcomes = await store.file(batch, NOW_S * 1000);
    const kept = batch.filter((_, i) => outcomes[i] === 'kept');
    process.stdout.write(`${kept.map(({ lease }) => toBase32(lease.nonce)).join(' ')}\n`);
    // Another has to be able to end it.
    await new Promise((resolve) => setImmediate(resolve));
  }
}
