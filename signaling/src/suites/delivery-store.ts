/** What every store of deliveries must do. */
import { afterEach, describe, expect, it, test } from 'vitest';
import { toBase32 } from '@llmesh/core/base/base32';
import { newPeerId, newTaskId } from '@llmesh/core/base/ids';
import { MAX_LEASE_UNITS } from '@llmesh/core/receipts/lease';
import { randomBytes } from '@llmesh/core/base/random-bytes';
import { keptOf, type Delivered } from '../receipts/delivered.ts';
import type { DeliveryLimits, DeliveryStore, Outcome } from '../receipts/delivery-store.ts';
import { FILED_WITHIN_DAYS } from '../receipts/receipt-limits.ts';
import { NOW_S, partOf, receiptOf } from '../testing/deliveries.ts';
import { writeUntilKilled } from './delivery-writer.ts';

const NOW_MS = NOW_S * 1000;
const DAY = Math.floor(NOW_S / 86_400);

export interface DeliveryStoreSuiteOptions {
  /** Opens an empty store. */
  open: (limits?: Partial<DeliveryLimits>) => Promise<DeliveryStore>;
  /** Opens the same one again, after it was closed or its process ended; null: nothing outlives it. */
  again: (() => Promise<DeliveryStore>) | null;
  /** Node's arguments for a program that opens it and calls `writeForever`; null: as for `again`. */
  writer: (() => readonly string[]) | null;
}

export function deliveryStoreSuite(name: string, { open, again, writer }: DeliveryStoreSuiteOptions): void {
  describe(name, () => {
    const opened: DeliveryStore[] = [];
    const start = async (limits?: Partial<DeliveryLimits>) => {
      const store = await open(limits);
      opened.push(store);
      return store;
    };
    const startAgain = async () => {
      const store = await again!();
      opened.push(store);
      return store;
    };
    afterEach(async () => {
      await Promise.all(opened.splice(0).map((store) => store.close()));
    });

    it('keeps what is filed, and finds it by its lease', async () => {
      const store = await start();
      const whole = receiptOf();
      const part = partOf(receiptOf(), 8);
      expect(await store.file([whole, part], NOW_MS)).toEqual(['kept', 'kept']);
      for (const one of [whole, part]) {
        expect(await store.find(one.lease.nonce)).toEqual({ ...keptOf(one), digest: new Uint8Array(one.digest) });
      }
      expect(await store.find(randomBytes(16))).toBeNull();
      expect((await store.size()).rows).toBe(2);
      expect((await store.size()).bytes).toBeGreaterThan(0);
    });

    it('keeps one proof of a lease, however often it is filed, in one batch or in several at once', async () => {
      const store = await start();
      const [twice, often] = [receiptOf(), receiptOf()];
      expect(await store.file([twice, twice], NOW_MS)).toEqual(['kept', 'known']);
      const batches = Array.from({ length: 12 }, () => store.file([receiptOf(), often, receiptOf()], NOW_MS));
      const outcomes = (await Promise.all(batches)).map(([, outcome]) => outcome);
      expect(outcomes.filter((outcome) => outcome === 'kept')).toHaveLength(1);
      expect(outcomes.filter((outcome) => outcome === 'known')).toHaveLength(11);
      expect((await store.size()).rows).toBe(26);
    });

    it('has the fullest proof of a lease, whichever came first', async () => {
      const store = await start();
      const whole = receiptOf({ units: 40 });
      const [some, more] = [partOf(whole, 8), partOf(whole, 16)];
      expect(await store.file([some, more, some], NOW_MS)).toEqual(['kept', 'kept', 'known']);
      expect(await store.file([whole], NOW_MS)).toEqual(['kept']);
      expect(await store.file([more, whole, partOf(whole, 32)], NOW_MS)).toEqual(['known', 'known', 'known']);
      expect(await store.find(whole.lease.nonce)).toMatchObject({ kind: 'receipt', units: 40 });
      expect((await store.size()).rows).toBe(1);
      // All of them at the same time, in batches of their own.
      const other = receiptOf({ units: 40 });
      await Promise.all([8, 32, 16, 24].map((units) => store.file([partOf(other, units)], NOW_MS)));
      expect(await store.find(other.lease.nonce)).toMatchObject({ kind: 'acknowledgement', units: 32 });
      const last = await Promise.all([partOf(other, 36), other, other].map((one) => store.file([one], NOW_MS)));
      expect(last.flat().filter((outcome) => outcome === 'kept').length).toBeGreaterThan(0);
      expect(await store.find(other.lease.nonce)).toMatchObject({ kind: 'receipt', units: 40 });
    });

    const whole = receiptOf({ units: 40 });
    test.each<[string, Delivered, Delivered]>([
      ['another task', whole, { ...whole, taskId: newTaskId() }],
      ['another text of the same length', whole, { ...whole, digest: randomBytes(32) }],
      ['a receipt of another length', whole, { ...whole, units: 41 }],
      ['another requester', whole, { ...whole, lease: { ...whole.lease, requester: newPeerId() } }],
      ['another provider', whole, { ...whole, lease: { ...whole.lease, provider: newPeerId() } }],
      ['an acknowledgement of more than the receipt says', whole, partOf(whole, 41)],
      ['a receipt of less than was acknowledged', partOf(whole, 41), whole],
    ])('refuses %s under one lease, then and at the same time, and keeps the rest', async (_, first, second) => {
      const store = await start();
      const beside = receiptOf();
      const contradicted = expect.objectContaining({ code: 'receipt_refused' }) as Outcome;
      expect(await store.file([first, second, beside], NOW_MS)).toEqual(['kept', contradicted, 'kept']);
      expect(await store.file([second], NOW_MS)).toEqual([contradicted]);
      expect(await store.find(first.lease.nonce)).toMatchObject({ kind: first.kind, units: first.units });
      const anew = await open();
      opened.push(anew);
      const fresh = { lease: { ...first.lease, nonce: randomBytes(16) } };
      const [one, other] = [
        { ...first, ...fresh },
        { ...second, lease: { ...second.lease, nonce: fresh.lease.nonce } },
      ] as [Delivered, Delivered];
      const outcomes = (await Promise.all([anew.file([one], NOW_MS), anew.file([other], NOW_MS)])).flat();
      expect(outcomes.filter((outcome) => outcome === 'kept')).toHaveLength(1);
      expect(outcomes).toContainEqual(contradicted);
    });

    it('says what would come of a proof, and changes nothing by that', async () => {
      const store = await start();
      const one = receiptOf();
      expect(await store.judge(one)).toBe('kept');
      expect(await store.judge(one)).toBe('kept');
      await store.file([one], NOW_MS);
      expect(await store.judge(one)).toBe('known');
      expect(await store.judge({ ...one, taskId: newTaskId() })).toMatchObject({ code: 'receipt_refused' });
      expect((await store.size()).rows).toBe(1);
    });

    it('keeps all of a batch or nothing', async () => {
      const store = await start();
      const fine = receiptOf();
      await expect(store.file([fine, receiptOf({ units: -1 })], NOW_MS)).rejects.toThrow();
      expect([await store.find(fine.lease.nonce), (await store.size()).rows]).toEqual([null, 0]);
      expect(await store.file([fine], NOW_MS)).toEqual(['kept']);
      expect(await store.file([], NOW_MS)).toEqual([]);
    });

    it('tells what has changed, in order, each change once, and gives no number twice', async () => {
      const store = await start({ rows: 20 });
      const issuer = newPeerId();
      const whole = receiptOf({ units: 40 });
      await store.file([partOf(whole, 8), receiptOf()], NOW_MS);
      const [first, second, ...none] = await store.changes(0, 10, issuer);
      expect(none).toEqual([]);
      expect(second!.change).toBeGreaterThan(first!.change);
      const { nonce, requester, provider, task, model, price, expiresAt } = whole.lease;
      const what = { issuer, requester, provider, task, model, price, expiresAt, nonce: toBase32(nonce) };
      const hold = toBase32(whole.hold);
      expect(first).toMatchObject({ delivery: { ...what, hold, units: 8, complete: false }, lease: whole.leaseBytes });
      await store.file([whole, partOf(whole, 16)], NOW_MS);
      const [last, ...more] = await store.changes(second!.change, 10, issuer);
      expect(more).toEqual([]);
      expect(last).toMatchObject({ delivery: { ...what, units: 40, complete: true } });
      expect(last!.proof).toEqual({ kind: 'receipt', provider: whole.providerHalf, requester: whole.requesterHalf });
      expect(await store.changes(0, 1, issuer)).toMatchObject([{ change: second!.change }]);
      // Those with the highest numbers are added up, and so are gone.
      const old = Array.from({ length: 60 }, () => receiptOf({ expiresAt: NOW_S - 90 * 86_400 }));
      await store.file(old, NOW_MS);
      const [highest] = (await store.changes(0, 1_000, issuer)).slice(-1);
      for (let i = 0; i < 4; i++) await store.sweep(NOW_MS);
      await store.file([receiptOf()], NOW_MS);
      const [newest] = (await store.changes(0, 1_000, issuer)).slice(-1);
      expect(newest!.change).toBeGreaterThan(highest!.change);
    });

    describe('of more rows than there may be', () => {
      it('adds up the oldest of a provider, loses nothing that was earned, and takes none of them again', async () => {
        const store = await start({ rowsPerProvider: 20 });
        const [requester, busy, quiet] = [newPeerId(), newPeerId(), newPeerId()] as const;
        const early = receiptOf({ requester, provider: quiet, expiresAt: NOW_S - 1_000 });
        const all = Array.from({ length: 300 }, (_, i) =>
          receiptOf({ requester, provider: busy, expiresAt: NOW_S + i, units: i }),
        );
        await store.file([early, ...all], NOW_MS);
        expect((await store.size()).rows).toBeLessThanOrEqual(21);
        expect(await store.find(early.lease.nonce)).not.toBeNull();
        expect(await store.find(all.at(-1)!.lease.nonce)).not.toBeNull();
        expect(await store.judge(all[0]!)).toMatchObject({ code: 'receipt_refused' });
        expect(await store.file([all[0]!], NOW_MS)).toEqual([expect.objectContaining({ code: 'receipt_refused' })]);
        expect(await store.judge(receiptOf({ provider: busy, expiresAt: NOW_S + 300 }))).toBe('kept');
        expect(await store.judge(receiptOf({ provider: quiet, expiresAt: NOW_S - 1_000 }))).toBe('kept');
        expect(await unitsIn(store, all)).toBe((300 * 299) / 2);
        const sums = await store.sums();
        expect(sums.find(({ peer }) => peer === requester)?.got_units).toBe(
          sums.find(({ peer }) => peer === busy)?.gave_units,
        );
      });

      it('adds up the oldest of all, whoever they are of', async () => {
        const store = await start({ rows: 100 });
        const all = Array.from({ length: 1_000 }, (_, i) => receiptOf({ expiresAt: NOW_S + i }));
        await store.file(all, NOW_MS);
        expect((await store.size()).rows).toBeLessThanOrEqual(101);
        expect(await store.find(all.at(-1)!.lease.nonce)).not.toBeNull();
        expect(await store.judge(receiptOf({ expiresAt: NOW_S }))).toMatchObject({ code: 'receipt_refused' });
        expect(await unitsIn(store, all)).toBe(10_000);
      });

      it('has as few sums as it may have, and they still add up', async () => {
        const store = await start({ rows: 50, sums: 60 });
        const all = Array.from({ length: 600 }, (_, i) =>
          receiptOf({ expiresAt: NOW_S - (600 - i) * 1_440, units: 1 + (i % 5) }),
        );
        expect(new Set(await store.file(all, NOW_MS))).toEqual(new Set(['kept']));
        for (let i = 0; i < 60; i++) await store.sweep(NOW_MS);
        expect((await store.sums()).length).toBeLessThanOrEqual(60);
        expect(await unitsIn(store, all)).toBe(all.reduce((sum, { units }) => sum + units, 0));
      });

      it('counts each lease by its last proof, whoever files what at the same time as others', async () => {
        const store = await start({ rows: 60, rowsPerProvider: 10, sums: 40 });
        const providers = Array.from({ length: 6 }, () => newPeerId());
        const wholes = Array.from({ length: 240 }, (_, i) =>
          receiptOf({ provider: providers[i % 6]!, expiresAt: NOW_S + i, units: 40 }),
        );
        const filings = wholes.flatMap((one) => [partOf(one, 8), partOf(one, 16), one]);
        const earned = new Map<string, number>();
        for (let at = 0; at < filings.length; at += 48) {
          // Several batches at once, in which proofs of one lease overlap.
          const batches = Array.from({ length: 4 }, (_, i) => filings.slice(at + i * 10, at + i * 10 + 18));
          const outcomes = await Promise.all(batches.map((batch) => store.file(batch, NOW_MS)));
          batches.forEach((batch, i) =>
            batch.forEach(({ lease, units }, k) => {
              const key = String(lease.nonce);
              if (outcomes[i]![k] === 'kept') earned.set(key, Math.max(units, earned.get(key) ?? 0));
            }),
          );
          await store.sweep(NOW_MS);
        }
        expect(earned.size).toBeGreaterThan(60);
        expect(await unitsIn(store, wholes)).toBe([...earned.values()].reduce((sum, units) => sum + units, 0));
      });
    });

    it('adds up with time, by day, what may not be filed any more', async () => {
      const store = await start();
      const [requester, provider] = [newPeerId(), newPeerId()];
      const all = Array.from({ length: 1_200 }, () => receiptOf({ requester, provider }));
      const late = receiptOf({ requester, provider, expiresAt: NOW_S + 86_400 });
      await store.file([...all, late], NOW_MS);
      await store.sweep((NOW_S + FILED_WITHIN_DAYS * 86_400) * 1000);
      expect((await store.size()).rows).toBe(1_201);
      for (let i = 0; i < 5; i++) await store.sweep((NOW_S + 1 + (FILED_WITHIN_DAYS + 1) * 86_400) * 1000);
      expect((await store.size()).rows).toBe(1);
      expect(await store.find(late.lease.nonce)).not.toBeNull();
      const [gave, got] = [
        { gave: 1_200, gave_units: 12_000 },
        { got: 1_200, got_units: 12_000 },
      ];
      const nothing = { task: 'chat', gave: 0, gave_units: 0, got: 0, got_units: 0 };
      const sums = await store.sums();
      expect(sums).toHaveLength(2);
      expect(sums).toContainEqual({ peer: provider, day: DAY, ...nothing, ...gave });
      expect(sums).toContainEqual({ peer: requester, day: DAY, ...nothing, ...got });
    });

    it('adds no lease up for more than there can be under one', async () => {
      const store = await start({ rows: 20 });
      const provider = newPeerId();
      const absurd = receiptOf({ provider, expiresAt: NOW_S - 1, units: Number.MAX_SAFE_INTEGER });
      await store.file([absurd, ...Array.from({ length: 40 }, (_, i) => receiptOf({ expiresAt: NOW_S + i }))], NOW_MS);
      expect((await store.sums()).find(({ peer }) => peer === provider)?.gave_units).toBe(MAX_LEASE_UNITS);
    });

    it.skipIf(again === null)('has all of it again after it was closed', async () => {
      const store = await start();
      const all = Array.from({ length: 50 }, () => receiptOf());
      await store.file(all, NOW_MS);
      await store.close();
      await store.close();
      const back = await startAgain();
      for (const { lease } of all) expect(await back.find(lease.nonce)).not.toBeNull();
      expect(await back.file([all[0]!], NOW_MS)).toEqual(['known']);
    });

    it.skipIf(writer === null)('has all that it said it keeps after the process that wrote was killed', async () => {
      const before = await start();
      await before.close();
      const acknowledged = await writeUntilKilled(writer!());
      const back = await startAgain();
      expect(acknowledged.length).toBeGreaterThanOrEqual(100);
      for (const nonce of acknowledged) expect(await back.find(nonce)).toMatchObject({ kind: 'receipt' });
      expect(await back.file([receiptOf()], NOW_MS)).toEqual(['kept']);
    });
  });
}

/** All units of these, in rows and in sums. */
async function unitsIn(store: DeliveryStore, all: readonly Delivered[]): Promise<number> {
  const kept = await Promise.all(all.map(({ lease }) => store.find(lease.nonce)));
  const inRows = kept.reduce((sum, one) => sum + (one?.units ?? 0), 0);
  return (await store.sums()).reduce((sum, { gave_units: gave }) => sum + gave, inRows);
}
