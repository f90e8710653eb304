import { MeshError } from '@llmesh/core/base/errors';
import { newPeerId, type PeerId } from '@llmesh/core/base/ids';
import { readOrder, signOrder, type Order, type OrderBody } from '@llmesh/core/ledger/order';
import { softwareIdentity } from '@llmesh/core/identity/identity';
import { describe, expect, it } from 'vitest';
import { OrderDesk, Orders } from './order-desk.svelte.ts';

const issuer = newPeerId();
const identity = softwareIdentity(new Uint8Array(32).fill(4));

interface Placing {
  mesh?: PeerId | null;
  send?: () => Promise<void>;
}

function placing({ mesh = issuer, send = async () => {} }: Placing) {
  const sent: Order[] = [];
  const orders = new Orders({
    issuer: () => mesh,
    serverNowMs: () => 1_000.7,
    sign: (body: OrderBody, about) => signOrder(body, about, identity),
    send: async (bytes) => {
      sent.push(readOrder(bytes)!);
      await send();
    },
  });
  return { sent, orders, desk: new OrderDesk(orders) };
}

describe('an order', () => {
  it('is signed for this mesh, at a time of its own', async () => {
    const { sent, orders, desk } = placing({});
    expect(await desk.place({ kind: 'stake', amount: 5 })).toBe(true);
    expect(await new OrderDesk(orders).place({ kind: 'stake', amount: 5 })).toBe(true);
    expect(sent).toEqual([1_000, 1_001].map((ms) => ({ kind: 'stake', amount: 5, by: identity.peerId, issuer, ms })));
    expect([desk.done, desk.error]).toEqual([true, null]);
  });

  it('that the ledger refuses says why, and can be placed again', async () => {
    let refusal: MeshError | null = new MeshError('credits_short', 'You have 3 credits; this takes 5. You lack 2.');
    const { desk, sent } = placing({
      send: async () => {
        if (refusal !== null) throw refusal;
      },
    });
    expect(await desk.place({ kind: 'stake', amount: 5 })).toBe(false);
    expect([desk.error?.message, desk.done]).toEqual([refusal.message, false]);
    refusal = null;
    expect(await desk.place({ kind: 'stake', amount: 3 })).toBe(true);
    expect([desk.error, sent.length]).toEqual([null, 2]);
  });

  it('is not signed while nobody knows the mesh or its time', async () => {
    const { desk, sent } = placing({ mesh: null });
    expect(await desk.place({ kind: 'unstake', amount: 1 })).toBe(false);
    expect([desk.error?.code, sent]).toEqual(['control_unreachable', []]);
  });

  it('is placed once by two presses, and a ballot is told of while it is on its way', async () => {
    let resolve = () => {};
    const promise = new Promise<void>((done) => (resolve = done));
    const { desk, orders, sent } = placing({ send: () => promise });
    const first = desk.place({ kind: 'vote', proposal: 3, choice: 'yes' });
    expect(await desk.place({ kind: 'vote', proposal: 3, choice: 'no' })).toBe(false);
    expect([desk.sending, orders.voting]).toEqual([true, true]);
    resolve();
    expect(await first).toBe(true);
    expect([sent.length, orders.voting]).toEqual([1, false]);
  });
});
