import { appendFileSync, chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { acknowledgement, receipt, receiptKeeperSuite } from '@llmesh/core/suites/receipt-keeper';
import { RECEIPTS_FILE, ReceiptFile } from './receipt-file.ts';

const root = mkdtempSync(path.join(os.tmpdir(), 'llmesh-receipts-'));
afterAll(() => rmSync(root, { recursive: true }));
const newFolder = () => mkdtempSync(path.join(root, 'f'));
const fileOf = (folder: string) => path.join(folder, RECEIPTS_FILE);

receiptKeeperSuite('receipts kept in a file', async () => {
  const folder = newFolder();
  return { keeper: new ReceiptFile(folder), again: async () => new ReceiptFile(folder) };
});

it('loses a torn last line and nothing else, and continues after it', async () => {
  const folder = newFolder();
  const keeper = new ReceiptFile(folder);
  const proofs = [acknowledgement(), receipt(), receipt()] as const;
  for (const proof of proofs) await keeper.keep(proof);
  await keeper.close();
  const whole = readFileSync(fileOf(folder));
  const lastLineBytes = whole.byteLength - whole.lastIndexOf('\n', whole.byteLength - 2) - 1;
  for (let cut = 1; cut < lastLineBytes; cut += 37) {
    writeFileSync(fileOf(folder), whole.subarray(0, whole.byteLength - cut));
    const back = new ReceiptFile(folder);
    // Without its last byte, the line break, the line is still complete.
    const left = cut === 1 ? proofs : proofs.slice(0, 2);
    expect((await back.list()).map(({ leaseId }) => leaseId)).toEqual(left.map(({ leaseId }) => leaseId));
    const next = receipt();
    await back.keep(next);
    await back.close();
    const after = new ReceiptFile(folder);
    expect((await after.list()).at(-1)).toEqual({ ...next, settled: false });
    await after.close();
  }
});

it('is for its owner’s eyes, also where it was not before', async () => {
  const folder = newFolder();
  await new ReceiptFile(folder).close();
  expect(statSync(fileOf(folder)).mode & 0o777).toBe(0o600);
  chmodSync(fileOf(folder), 0o644);
  await new ReceiptFile(folder).close();
  expect(statSync(fileOf(folder)).mode & 0o777).toBe(0o600);
});

it('steps over damaged lines', async () => {
  const folder = newFolder();
  const keeper = new ReceiptFile(folder);
  const proof = receipt();
  await keeper.keep(proof);
  await keeper.close();
  appendFileSync(fileOf(folder), `not json\n{"leaseId":1}\n{"leaseId":"x","filing":{"lease":"UPPER"}}\n`);
  const back = new ReceiptFile(folder);
  expect(await back.list()).toEqual([{ ...proof, settled: false }]);
  await back.close();
});

it('stays small however often an acknowledgement is replaced', async () => {
  const folder = newFolder();
  const keeper = new ReceiptFile(folder);
  const { leaseId } = acknowledgement();
  let last = acknowledgement(leaseId);
  for (let i = 0; i < 12_000; i++) {
    last = acknowledgement(leaseId);
    await keeper.keep(last);
  }
  expect(statSync(fileOf(folder)).size).toBeLessThan(9 * 1_048_576);
  await keeper.close();
  const back = new ReceiptFile(folder);
  expect(await back.list()).toEqual([{ ...last, settled: false }]);
  await back.close();
});

it('says what to do when the folder cannot be written', () => {
  expect(() => new ReceiptFile(path.join(root, 'missing'))).toThrow(
    expect.objectContaining({ code: 'storage_full', message: expect.stringContaining('--data') }),
  );
});
