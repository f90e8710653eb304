import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { MeshError } from '../base/errors.ts';
import { LedgerWorld, peerOf, START_MS } from '../testing/ledger-world.ts';
import { EPOCH_MS, epochOf } from './emission.ts';
import { readEvent, writeEvent } from './event.ts';
import { allBalances, balanceOf } from './readers.ts';
import { differences, postingsOf, recount } from './recount.ts';
import { digestOf, restore, snapshot } from './snapshot.ts';
import { MemoryState } from './state.ts';

const [ada, bob] = [peerOf(1), peerOf(2)];
let world: LedgerWorld;
let leaves: Uint8Array[];

/** Nobody gave credits to anyone here: Bob was there for an hour, and Ada paid with her allowance. */
beforeAll(async () => {
  world = new LedgerWorld();
  world.add({ kind: 'allowance', to: ada.peerId });
  const lease = await world.lease(1, ada, [bob]);
  world.add({ kind: 'reserve', hold: lease.hold, payer: ada.peerId, amount: 9, untilS: world.seconds + 1_500 });
  world.add(await world.acknowledgement(lease, bob, 1));
  world.add(await world.receipt(lease, bob, 2));
  world.ms += EPOCH_MS;
  world.add({ kind: 'uptime', epoch: epochOf(START_MS), shares: [[bob.peerId, 1_000]] });
  world.add(await world.order(bob, { kind: 'transfer', to: ada.peerId, amount: 5 }));
  leaves = world.events.map(writeEvent);
});

async function recounted(bytes: readonly Uint8Array[]) {
  const state = new MemoryState();
  await recount(bytes, state, { issuer: world.control.peerId });
  return state;
}

describe('a recount', () => {
  it('of the leaves arrives at the same accounts, and tells everyone their history', async () => {
    const state = new MemoryState();
    const history: unknown[] = [];
    const size = await recount(leaves, state, {
      issuer: world.control.peerId,
      onEvent: ({ index, postings }) => {
        for (const { amount, reason } of postingsOf(ada.peerId, postings)) history.push([index, amount, reason]);
      },
    });
    expect(size).toBe(leaves.length);
    expect(digestOf(state)).toBe(digestOf(world.state));
    expect(history.at(-1)).toEqual([5, 5, 'transfer']);
    expect(differences(state, allBalances(world.state))).toEqual([]);
    const account = `free:${ada.peerId}` as const;
    expect(differences(state, [[account, 6]])).toEqual([{ account, claimed: 6, recounted: 5 }]);
  });

  it('goes on where another one ended', async () => {
    const state = await recounted(leaves.slice(0, 3));
    await recount(leaves.slice(3), state, { issuer: world.control.peerId });
    expect(digestOf(state)).toBe(digestOf(world.state));
    await expect(recount([], state, { issuer: ada.peerId })).rejects.toThrow('another mesh');
  });

  it('names the leaf that should not be there', async () => {
    await expect(recounted([...leaves, leaves[5]!])).rejects.toThrow('Leaf 6 of the log should not be there (order)');
    await expect(recounted(leaves.toSpliced(1, 1))).resolves.toBeDefined();
    await expect(recounted(leaves.toSpliced(0, 1))).rejects.toMatchObject({ code: 'order_refused' });
    await expect(recounted([leaves[0]!, leaves[0]!])).rejects.toThrow('has had its allowance');
    await expect(recounted(leaves.toReversed())).rejects.toBeInstanceOf(MeshError);
    await expect(recounted([new Uint8Array(3)])).rejects.toThrow('Leaf 0 of the log is no event');
  });

  it('finds every change of what somebody signed', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(2, 3, 5),
        fc.nat(),
        fc.integer({ min: 1, max: 255 }),
        async (at, where, flip) => {
          const leaf = leaves[at]!;
          const changed = leaf.with(where % leaf.byteLength, leaf[where % leaf.byteLength]! ^ flip);
          const event = readEvent(changed);
          if (event === null) return;
          const state = await recounted(leaves.slice(0, at));
          const before = digestOf(state);
          try {
            await recount([changed], state, { issuer: world.control.peerId });
          } catch (thrown) {
            expect(thrown).toBeInstanceOf(MeshError);
            expect(digestOf(state)).toBe(before);
            return;
          }
          // Only the time is the control plane's own word: within its bounds it may be another one.
          expect({ ...event, ms: 0 }).toEqual({ ...world.events[at]!, ms: 0 });
        },
      ),
      { numRuns: 60 },
    );
  });

  it('of anything else is refused', async () => {
    const bytes = fc.uint8Array({ minLength: 1, maxLength: 300 });
    const id = fc.uint8Array({ minLength: 16, maxLength: 16 });
    const event = fc.oneof(
      fc.record({ kind: fc.constant('order' as const), record: bytes }),
      fc.record({ kind: fc.constant('audit-fee' as const), report: bytes }),
      fc.record({
        kind: fc.constant('earn' as const),
        lease: fc.oneof(bytes, fc.constant(new Uint8Array(300))),
        proof: fc.record({ kind: fc.constant('receipt' as const), provider: bytes, requester: bytes }),
      }),
      fc.record({ kind: fc.constant('refund' as const), hold: id, payer: fc.constant(ada.peerId) }),
      fc.record({ kind: fc.constant('enact' as const), proposal: fc.nat() }),
      fc.record({ kind: fc.constant('release' as const), peer: fc.constant(bob.peerId) }),
    );
    await fc.assert(
      fc.asyncProperty(event, async (body) => {
        const state = await recounted(leaves.slice(0, 2));
        const leaf = writeEvent({ ...body, ms: START_MS });
        await expect(recount([leaf], state, { issuer: world.control.peerId })).rejects.toBeInstanceOf(MeshError);
      }),
      { numRuns: 60 },
    );
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async (junk) => {
        await expect(recounted([junk])).rejects.toBeInstanceOf(MeshError);
      }),
    );
  });
});

describe('a snapshot', () => {
  it('comes back as it was', async () => {
    const state = new MemoryState();
    await restore(snapshot(world.state), state);
    expect(digestOf(state)).toBe(digestOf(world.state));
    expect(balanceOf(state, `free:${ada.peerId}`)).toBe(5);
  });

  it('that is damaged is refused', async () => {
    const lines = [...snapshot(world.state)];
    for (const bad of [
      ['{}'],
      ['["a",1.5]'],
      ['["a",1]', '["a",1]'],
      ['["a", 1]'],
      [`["a",${'['.repeat(9)}${']'.repeat(9)}]`],
      ['['],
      lines.toReversed(),
    ]) {
      await expect(restore(bad, new MemoryState())).rejects.toMatchObject({ code: 'bad_message' });
    }
  });
});
