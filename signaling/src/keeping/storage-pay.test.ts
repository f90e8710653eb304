import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ContentId, PeerId } from '@llmesh/core/base/ids';
import { PARAMETERS } from '@llmesh/core/governance/parameters';
import { EPOCH_MS, epochOf } from '@llmesh/core/ledger/emission';
import { FULL_BYTES } from '@llmesh/core/ledger/rules/storage';
import { signStorageReport } from '@llmesh/core/proof/keeping/storage-report';
import { KeptTable, type KeptCopy } from '../store/kept-table.ts';
import { LedgerWorld, someone } from '../testing/ledgers.ts';
import { StoragePay, storageShares } from './storage-pay.ts';

const contentOf = (number: number) => number.toString(16).padStart(64, '0') as ContentId;
const CAP = PARAMETERS['storage-cap'].initial;

describe('the shares of an hour', () => {
  const copy = (keeper: number, network: string, content = 1, sizeBytes = FULL_BYTES / 4) => ({
    ...{ keeper: `k${keeper}` as PeerId, network, content: contentOf(content), sizeBytes },
  });
  const sum = (shares: readonly { share: number }[]) => shares.reduce((all, { share }) => all + share, 0);

  it('are by size, and a thousand who claim the same bytes at one address get no more than one', () => {
    expect(storageShares([copy(1, 'a'), copy(2, 'b', 2)]).map(({ share }) => share)).toEqual([250, 250]);
    const thousand = Array.from({ length: 1_000 }, (_, i) => copy(i, 'a'));
    expect(sum(storageShares(thousand))).toBeLessThanOrEqual(250);
    expect(sum(storageShares(thousand.slice(0, 10)))).toBe(250);
  });

  it('are never more than one volunteer’s for a network, whatever is kept there', () => {
    const any = fc.record({ keeper: fc.nat(8), network: fc.nat(2), content: fc.nat(8), size: fc.nat(FULL_BYTES * 2) });
    fc.assert(
      fc.property(fc.array(any, { maxLength: 40 }), (all) => {
        const copies = all.map(({ keeper, network, content, size }) => copy(keeper, String(network), content, size));
        const shares = storageShares(copies);
        for (const network of new Set(copies.map((one) => one.network))) {
          expect(sum(shares.filter((one) => one.copy.network === network))).toBeLessThanOrEqual(1_000);
        }
      }),
    );
  });
});

describe('an hour of keeping models', () => {
  async function setUp() {
    const world = new LedgerWorld();
    const ledger = await world.open();
    const [keeper, asker, idle] = [someone(), someone(), someone()];
    const { whole } = await world.papers(someone(), keeper);
    await world.file(whole, keeper.peerId);
    const epoch = epochOf(world.now());
    world.skip(EPOCH_MS);
    await world.clock.advance(10);
    const copies = new KeptTable(world.database);
    const note = async (by: typeof keeper, content = 1, sizeBytes = FULL_BYTES / 4) => {
      const about = { keeper: by.peerId, content: contentOf(content), sizeBytes };
      const found = { epoch, outcome: 'kept', slowestMs: 9, leaves: new Uint8Array(32) } as const;
      const one: KeptCopy = {
        ...about,
        network: by.peerId,
        report: await signStorageReport({ ...about, ...found }, asker),
      };
      await copies.note(epoch, one);
    };
    const pay = new StoragePay({ ledger, store: ledger.store, copies, failed: (error) => world.failures.push(error) });
    const paying = async (once = pay) => {
      const paid = { over: false };
      const run = once.pay(epoch).finally(() => (paid.over = true));
      for (let i = 0; i < 200 && !paid.over; i++) await world.clock.advance(5);
      await run;
    };
    return { world, ledger, copies, note, paying, epoch, keeper, idle };
  }

  it('is paid once, to who answered somebody, though the computer dies between paying and forgetting', async () => {
    const { world, ledger, copies, note, paying, epoch, keeper, idle } = await setUp();
    await note(keeper);
    await note(keeper);
    await note(idle);
    const before = ledger.account(keeper.peerId).free;
    await paying(
      new StoragePay({
        ...{ ledger, store: ledger.store, failed: (error) => world.failures.push(error) },
        copies: { of: (of) => copies.of(of), forget: async () => {} },
      }),
    );
    expect(ledger.account(keeper.peerId).free - before).toBe(CAP / 4);
    expect(ledger.account(idle.peerId).free).toBe(0);
    await note(keeper, 2);
    await paying();
    expect(ledger.account(keeper.peerId).free - before).toBe(CAP / 2);
    expect(copies.of(epoch)).toEqual([]);
    expect(world.failures).toEqual([]);
    await world.close();
  });
});
