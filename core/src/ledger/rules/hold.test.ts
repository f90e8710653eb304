import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MeshError } from '../../base/errors.ts';
import { costOf } from '../../policy/price.ts';
import { LedgerWorld, paperPeer } from '../../testing/ledger-world.ts';
import { MICRO } from '../credit.ts';
import { peerBalances } from '../readers.ts';
import { HELD_AFTER_LEASE_S } from './hold.ts';

const [payer, ...providers] = [1, 2, 3, 4].map(paperPeer) as [
  ReturnType<typeof paperPeer>,
  ...ReturnType<typeof paperPeer>[],
];
const FREE = 5 * MICRO;
const PRICE = 1_000_000;

/** A proof of one of the providers, or the end of the hold's time. */
const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      what: fc.constantFrom('receipt' as const, 'acknowledgement' as const),
      provider: fc.nat(providers.length - 1),
      units: fc.integer({ min: 0, max: 1_000 }),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ what: 'refund' as const }) },
);

describe('whatever comes of what was put aside', () => {
  it('the payer has back all but what was signed for, never more, and after one receipt at once', async () => {
    const seen = { early: 0, late: 0, all: 0, ofAllowance: 0 };
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 3 * MICRO }),
        fc.boolean(),
        fc.array(step, { maxLength: 10 }),
        async (reserved, hasAllowance, steps) => {
          const world = new LedgerWorld();
          world.fund(payer.peerId, FREE);
          if (hasAllowance) world.add({ kind: 'allowance', to: payer.peerId });
          const has = () => peerBalances(world.state, payer.peerId);
          const inAll = () => has().free + has().allowance + has().held;
          const before = inAll();
          const lease = await world.lease(1, payer, providers, { price: PRICE });
          const untilS = world.seconds + 600 + HELD_AFTER_LEASE_S;
          const hold = { hold: lease.hold, payer: payer.peerId } as const;
          world.add({ kind: 'reserve', ...hold, amount: reserved, untilS });
          expect(has().held).toBe(reserved);

          const costs = providers.map(() => 0);
          let isOpen = true;
          for (const one of steps) {
            if (one.what === 'refund') {
              if (!isOpen) continue;
              world.ms = Math.max(world.ms, untilS * 1_000);
              world.add({ kind: 'refund', ...hold });
              isOpen = false;
            } else {
              const provider = providers[one.provider]!;
              const proof = await world[one.what](lease, provider, one.units);
              try {
                world.add(proof);
              } catch (thrown) {
                // As much was signed before.
                expect(thrown).toBeInstanceOf(MeshError);
                continue;
              }
              costs[one.provider] = Math.max(costs[one.provider]!, costOf(one.units, PRICE));
              if (!isOpen) seen.late += 1;
              if (one.what === 'receipt' && isOpen) {
                seen.early += 1;
                isOpen = false;
              }
            }
            const paid = Math.min(
              reserved,
              costs.reduce((sum, cost) => sum + cost, 0),
            );
            if (paid === reserved) seen.all += 1;
            if (hasAllowance && paid > 0) seen.ofAllowance += 1;
            expect(inAll()).toBe(before - paid);
            expect(has().held).toBe(isOpen ? reserved - paid : 0);
          }
        },
      ),
      { numRuns: 60, seed: 16 },
    );
    // Otherwise this would show less than it says.
    for (const times of Object.values(seen)) expect(times).toBeGreaterThan(0);
  });
});
