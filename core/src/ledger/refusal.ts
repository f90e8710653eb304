/** Why the ledger does not take an event, in words for whoever sent what led to it. */
import { MeshError } from '../base/errors.ts';

export function refused(why: string): MeshError {
  return new MeshError('order_refused', why);
}

export function badReceipt(why: string): MeshError {
  return new MeshError('receipt_refused', why);
}

export function short(why: string): MeshError {
  return new MeshError('credits_short', why);
}
