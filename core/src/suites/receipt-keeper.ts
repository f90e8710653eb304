/** What every receipt keeper must do. */
import { afterEach, describe, expect, it } from 'vitest';
import { toBase32 } from '../base/base32.ts';
import type { Filing } from '../wire/control-protocol.ts';
import { randomBytes } from '../base/random-bytes.ts';
import { MAX_KEPT, type KeptProof, type ReceiptKeeper } from '../receipts/receipt-keeper.ts';

const text = () => toBase32(randomBytes(300));
const newLeaseId = () => toBase32(randomBytes(16));

/** Proofs in shape, made of noise: a keeper does not read them. */
export function acknowledgement(leaseId = newLeaseId()): KeptProof {
  return { leaseId, filing: { lease: text(), proof: { kind: 'acknowledgement', acknowledgement: text() } } };
}

export function receipt(leaseId = newLeaseId()): KeptProof {
  const filing: Filing = { lease: text(), proof: { kind: 'receipt', provider: text(), requester: text() } };
  return { leaseId, filing };
}

/** `open`: makes an empty keeper. `again`: opens what outlived the program; null: nothing does. */
export function receiptKeeperSuite(
  name: string,
  open: () => Promise<{ keeper: ReceiptKeeper; again: (() => Promise<ReceiptKeeper>) | null }>,
): void {
  describe(name, () => {
    const opened: ReceiptKeeper[] = [];
    const start = async () => {
      const { keeper, again } = await open();
      opened.push(keeper);
      return { keeper, again };
    };
    afterEach(async () => {
      await Promise.all(opened.splice(0).map((keeper) => keeper.close()));
    });

    it('lists what it keeps, oldest first, until it is settled and after', async () => {
      const { keeper } = await start();
      const proofs = [acknowledgement(), receipt(), receipt()] as const;
      for (const proof of proofs) await keeper.keep(proof);
      expect(await keeper.list()).toEqual(proofs.map((proof) => ({ ...proof, settled: false })));
      await keeper.settle(proofs[1]);
      expect((await keeper.list()).map(({ settled }) => settled)).toEqual([false, true, false]);
      expect((await keeper.list())[1]).toEqual({ ...proofs[1], settled: true });
    });

    it('keeps the last proof of a lease, and that one is not settled by an earlier one', async () => {
      const { keeper } = await start();
      const first = acknowledgement();
      const second = acknowledgement(first.leaseId);
      const last = receipt(first.leaseId);
      for (const proof of [first, second, last]) await keeper.keep(proof);
      expect(await keeper.list()).toEqual([{ ...last, settled: false }]);
      await keeper.settle(second);
      await keeper.settle(receipt());
      expect(await keeper.list()).toEqual([{ ...last, settled: false }]);
      await keeper.settle(last);
      await keeper.settle(last);
      expect(await keeper.list()).toEqual([{ ...last, settled: true }]);
    });

    it('keeps a limited number: what is settled goes first, then the oldest', async () => {
      const { keeper } = await start();
      const settled = receipt();
      const first = receipt();
      await keeper.keep(first);
      await keeper.keep(settled);
      await keeper.settle(settled);
      const more = Array.from({ length: MAX_KEPT - 1 }, () => acknowledgement());
      for (const proof of more) await keeper.keep(proof);
      let kept = (await keeper.list()).map(({ leaseId }) => leaseId);
      expect(kept).toHaveLength(MAX_KEPT);
      expect(kept).toContain(first.leaseId);
      expect(kept).not.toContain(settled.leaseId);
      await keeper.keep(receipt());
      kept = (await keeper.list()).map(({ leaseId }) => leaseId);
      expect(kept).toHaveLength(MAX_KEPT);
      expect(kept).not.toContain(first.leaseId);
    });

    it('has it all when the program comes back, if it lasts', async () => {
      const { keeper, again } = await start();
      if (again === null) return expect(await keeper.list()).toEqual([]);
      const proofs = [acknowledgement(), receipt(), receipt()] as const;
      for (const proof of proofs) await keeper.keep(proof);
      const fuller = receipt(proofs[0].leaseId);
      await keeper.keep(fuller);
      await keeper.settle(proofs[1]);
      // It was not closed before, as programs get killed.
      const back = await again();
      opened.push(back);
      const expected = [
        { ...proofs[1], settled: true },
        { ...proofs[2], settled: false },
        { ...fuller, settled: false },
      ];
      expect(await back.list()).toEqual(expected);
      await back.settle(fuller);
      const last = await again();
      opened.push(last);
      expect(await last.list()).toEqual([...expected.slice(0, 2), { ...fuller, settled: true }]);
    });
  });
}
