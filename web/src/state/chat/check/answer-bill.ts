/** What an answer cost, as far as this device has signed for it: shown below it, and kept with it. */
import type { Bill } from '@llmesh/core/ask/bill';
import { isPeerId, type PeerId } from '@llmesh/core/base/ids';
import { base32, count } from '@llmesh/core/wire/fields';
import * as v from 'valibot';

/** More volunteers than ever write one answer. */
const MAX_CHARGES = 64;
const LEASE_ID_BYTES = 16;

const ChargeSchema = v.object({
  provider: v.custom<PeerId>(isPeerId),
  /** As in `/api/receipt?lease=`. */
  leaseId: base32(LEASE_ID_BYTES),
  /** Micro-credits for 1,000 units; 0: it was free. */
  price: count,
  units: count,
});
export const AnswerBillSchema = v.object({
  units: count,
  price: count,
  cost: count,
  charges: v.pipe(v.array(ChargeSchema), v.maxLength(MAX_CHARGES)),
});

/** Of an answer that was continued: `before` is what its earlier part cost. */
export function billTogether(before: Bill | null, bill: Bill): Bill {
  if (before === null) return bill;
  return {
    units: before.units + bill.units,
    price: bill.price,
    cost: before.cost + bill.cost,
    charges: [...before.charges, ...bill.charges].slice(-MAX_CHARGES),
  };
}
