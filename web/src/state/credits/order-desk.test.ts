import { MeshError } from '@llmesh/core/base/errors';
import type { OrderBody } from '@llmesh/core/ledger/order';
import { describe, expect, it } from 'vitest';
import { OrderDesk, Orders } from './order-desk.svelte.ts';

function ordering(carryOut: () => Promise<void>) {
  const given: OrderBody[] = [];
  const orders = new Orders(async (body) => {
    given.push(body);
    await carryOut();
  });
  return { given, orders, desk: new OrderDesk(orders) };
}

describe('an order', () => {
  it('that the ledger refuses says why, and can be placed again', async () => {
    let refusal: MeshError | null = new MeshError('credits_short', 'You have 3 credits; this takes 5. You lack 2.');
    const { desk, given } = ordering(async () => {
      if (refusal !== null) throw refusal;
    });
    expect(await desk.place({ kind: 'stake', amount: 5 })).toBe(false);
    expect([desk.error?.message, desk.done]).toEqual([refusal.message, false]);
    refusal = null;
    expect(await desk.place({ kind: 'stake', amount: 3 })).toBe(true);
    expect([desk.error, desk.done, given.length]).toEqual([null, true, 2]);
    desk.reset();
    expect(desk.done).toBe(false);
  });

  it('that this page could not sign does not look as if the ledger had refused it', async () => {
    const { desk } = ordering(() => Promise.reject(new TypeError('no key')));
    expect(await desk.place({ kind: 'unstake', amount: 1 })).toBe(false);
    expect(desk.error?.message).toContain('could not sign');
  });

  it('is placed once by two presses, and a ballot is told of while it is on its way', async () => {
    let carriedOut = () => {};
    const { desk, orders, given } = ordering(() => new Promise((resolve) => (carriedOut = resolve)));
    const first = desk.place({ kind: 'vote', proposal: 3, choice: 'yes' });
    expect(await desk.place({ kind: 'vote', proposal: 3, choice: 'no' })).toBe(false);
    expect([desk.sending, orders.voting]).toEqual([true, true]);
    carriedOut();
    expect(await first).toBe(true);
    expect([given.length, orders.voting]).toEqual([1, false]);
  });
});
