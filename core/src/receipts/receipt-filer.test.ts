import { describe, expect, it } from 'vitest';
import type { Filing } from '../wire/control-protocol.ts';
import { MeshError, type ErrorCode } from '../base/errors.ts';
import { ManualClock } from '../testing/manual-clock.ts';
import { MemoryReceiptKeeper } from './memory-receipt-keeper.ts';
import { ReceiptFiler } from './receipt-filer.ts';
import { acknowledgement, receipt } from '../suites/receipt-keeper.ts';

function setUp() {
  const clock = new ManualClock();
  const keeper = new MemoryReceiptKeeper();
  const filed: Filing[] = [];
  const failures: ErrorCode[] = [];
  /** What the control plane answers, when that is not `filed`. */
  const plane = { refusal: null as ErrorCode | null, tries: 0, answer: Promise.resolve() };
  const changes: { taken: string | null; waiting: string[] }[] = [];
  const start = () =>
    new ReceiptFiler({
      keeper,
      clock,
      random: () => 0.5,
      changed: (taken, waiting) =>
        changes.push({ taken: taken?.leaseId ?? null, waiting: Array.from(waiting, ({ leaseId }) => leaseId) }),
      failed: ({ code }) => failures.push(code),
      file: async (filing, signal) => {
        plane.tries += 1;
        await Promise.race([
          plane.answer,
          new Promise<never>((_, reject) =>
            signal.addEventListener('abort', () => reject(new MeshError('cancelled', 'Stopped.'))),
          ),
        ]);
        if (plane.refusal !== null) throw new MeshError(plane.refusal, 'No.');
        filed.push(filing);
      },
    });
  return { clock, keeper, filed, failures, changes, plane, start };
}

describe('the filer', () => {
  it('files in order, ten a second', async () => {
    const { clock, filed, start } = setUp();
    const filer = start();
    const proofs = Array.from({ length: 30 }, () => receipt());
    for (const proof of proofs) filer.file(proof);
    await clock.advance(950);
    expect(filed).toEqual(proofs.slice(0, 10).map(({ filing }) => filing));
    await clock.advance(2_000);
    expect(filed).toEqual(proofs.map(({ filing }) => filing));
  });

  it('tells what waits and what was taken, and of what was refused only that it waits no more', async () => {
    const { clock, changes, plane, keeper, start } = setUp();
    const before = receipt('before');
    await keeper.keep(before);
    const filer = start();
    filer.start();
    await clock.advance(0);
    expect(changes).toEqual([
      { taken: null, waiting: ['before'] },
      { taken: 'before', waiting: [] },
    ]);
    plane.refusal = 'receipt_refused';
    filer.hold(acknowledgement('a'));
    filer.file(receipt('a'));
    await clock.advance(1_000);
    expect(changes.slice(2)).toEqual([
      { taken: null, waiting: ['a'] },
      { taken: null, waiting: [] },
    ]);
  });

  it('only keeps what may still get better', async () => {
    const { clock, filed, keeper, start } = setUp();
    const proof = acknowledgement();
    start().hold(proof);
    await clock.advance(10_000);
    expect(filed).toEqual([]);
    expect(await keeper.list()).toEqual([{ ...proof, settled: false }]);
  });

  it('files the fuller proof that comes while the lesser is on its way', async () => {
    const { clock, filed, keeper, plane, start } = setUp();
    let answer = () => {};
    plane.answer = new Promise((resolve) => {
      answer = resolve;
    });
    const filer = start();
    const lesser = acknowledgement();
    const fuller = receipt(lesser.leaseId);
    filer.file(lesser);
    await clock.advance(0);
    filer.file(fuller);
    answer();
    await clock.advance(1_000);
    expect(filed).toEqual([lesser.filing, fuller.filing]);
    expect(await keeper.list()).toEqual([{ ...fuller, settled: true }]);
  });

  it.each<ErrorCode>(['control_unreachable', 'busy', 'rate_limited'])(
    'tries again after %s, less and less often',
    async (code) => {
      const { clock, filed, failures, keeper, plane, start } = setUp();
      plane.refusal = code;
      start().file(receipt());
      await clock.advance(60_000);
      expect(plane.tries).toBeGreaterThan(5);
      expect(plane.tries).toBeLessThan(20);
      plane.refusal = null;
      await clock.advance(15_000);
      expect(filed).toHaveLength(1);
      expect(failures).toEqual([]);
      expect(await keeper.list()).toMatchObject([{ settled: true }]);
    },
  );

  it('gives up on what will never be taken, says so, and goes on', async () => {
    const { clock, filed, failures, keeper, plane, start } = setUp();
    const filer = start();
    plane.refusal = 'receipt_refused';
    filer.file(receipt());
    await clock.advance(10);
    plane.refusal = null;
    filer.file(receipt());
    await clock.advance(1_000);
    expect(failures).toEqual(['receipt_refused']);
    expect(filed).toHaveLength(1);
    expect((await keeper.list()).map(({ settled }) => settled)).toEqual([true, true]);
  });

  it('files what an earlier run left, and what it had filed not again', async () => {
    const { clock, keeper, filed, plane, start } = setUp();
    const [done, left] = [receipt(), acknowledgement()] as const;
    for (const proof of [done, left]) await keeper.keep(proof);
    await keeper.settle(done);
    start().start();
    await clock.advance(1_000);
    expect(filed).toEqual([left.filing]);
    expect(plane.tries).toBe(1);
  });

  it('leaves what it could not file when it is closed, however it stands', async () => {
    const { clock, keeper, plane, start } = setUp();
    plane.answer = new Promise(() => {});
    const filer = start();
    const proofs = [receipt(), receipt()] as const;
    for (const proof of proofs) filer.file(proof);
    await clock.advance(0);
    const closed = filer.close();
    filer.file(acknowledgement());
    await closed;
    await filer.close();
    await clock.advance(60_000);
    expect(plane.tries).toBe(1);
    expect((await keeper.list()).map(({ settled }) => settled)).toEqual([false, false, false]);
  });

  it('says when nothing can be kept, and files all the same', async () => {
    const { clock, keeper, filed, failures, start } = setUp();
    keeper.keep = () => Promise.reject(new Error('the disk is full'));
    start().file(receipt());
    await clock.advance(1_000);
    expect(failures).toEqual(['storage_full']);
    expect(filed).toHaveLength(1);
  });
});
