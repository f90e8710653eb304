/**
 * Deliveries that were filed, as events. Their signatures and everything else about them were checked then, so their
 * columns are evidence enough; the signed bytes go into the log, where strangers check them again.
 */
import type { DeliveryChange } from '../receipts/delivery-store.ts';
import type { Asked } from './projector.ts';

/** Those for which something is due: what was free when it was leased is in no ledger. */
export function askedBy(changes: readonly DeliveryChange[]): Asked[] {
  return changes.flatMap(({ lease, proof, delivery }) => {
    if (delivery === null || delivery.price === 0) return [];
    return [{ body: { kind: 'earn', lease, proof }, evidence: (ms) => ({ kind: 'earn', ms, delivery }) }];
  });
}
