/** How an order gets into the ledger once, however often the connection breaks on the way. */
import { toBase32 } from '../base/base32.ts';
import { MeshError } from '../base/errors.ts';
import type { Order, OrderBody } from '../ledger/order.ts';

/** Each takes some seconds where nobody answers. */
const ATTEMPTS = 3;

/** What an order says besides what is to be done. */
export type OrderHead = Pick<Order, 'issuer' | 'ms'>;
/** As `signOrder` does, with the key of whoever orders it. */
export type OrderSigner = (body: OrderBody, head: OrderHead) => Promise<Uint8Array>;

export interface OrderWays {
  /** Rejects when there is no connection, as long as it is waited for. */
  whenOpen(): Promise<void>;
  /** Null: this mesh takes no orders. */
  head(): OrderHead | null;
  /** Resolves when it is in the ledger. */
  send(order: string): Promise<unknown>;
}

/**
 * Signs once, so that a second try is the same order and counts no second time. Rejects with what `send` rejects with; with
 * control_unreachable, whose words say so, when nobody knows what became of it.
 */
export async function giveOrder(ways: OrderWays, sign: (head: OrderHead) => Promise<Uint8Array>): Promise<void> {
  await ways.whenOpen();
  const head = ways.head();
  if (head === null) throw new MeshError('unsupported', 'This mesh has no credits.');
  const order = toBase32(await sign(head));
  for (let attempt = 1; ; attempt++) {
    try {
      if (attempt > 1) await ways.whenOpen();
      await ways.send(order);
      return;
    } catch (thrown) {
      if (!(thrown instanceof MeshError) || thrown.code !== 'control_unreachable') throw thrown;
      if (attempt === ATTEMPTS) throw new MeshError(thrown.code, UNKNOWN, { cause: thrown });
    }
  }
}

const UNKNOWN =
  'The mesh did not say whether it has carried this out. Look at your balance and its history before you do it again.';
