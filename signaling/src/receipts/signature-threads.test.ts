import { afterEach, expect, test } from 'vitest';
import { randomBytes } from '@llmesh/core/base/random-bytes';
import { nodeIdentity } from '@llmesh/core/identity/node-signatures';
import { signRecord } from '@llmesh/core/identity/signed-record';
import { isSigned, SignatureThreads, type Signed } from './signature-threads.ts';

const threads = new SignatureThreads(2);
afterEach(() => threads.close());

async function signedBy(secret: number, bytes: number): Promise<Signed> {
  const identity = nodeIdentity(new Uint8Array(32).fill(secret));
  return { domain: 'receipt', record: await signRecord('receipt', randomBytes(bytes), identity) };
}

function changed({ domain, record }: Signed, at: number, ...bytes: number[]): Signed {
  const other = new Uint8Array(record);
  other.set(bytes, at);
  return { domain, record: other };
}

test('names the first wrong signature of each job, whatever is wrong with it', async () => {
  const [one, other] = [await signedBy(1, 300), await signedBy(2, 1)];
  const jobs: Signed[][] = [
    [one, other],
    [],
    [one, changed(one, 40, one.record[40]! ^ 1), other],
    [changed(one, 0, ...other.record.subarray(0, 32))],
    [one, { domain: 'lease', record: one.record }],
    // Too short for a signature, or with nothing behind it.
    [one, { domain: 'receipt', record: one.record.subarray(0, 96) }, other],
    [{ domain: 'receipt', record: new Uint8Array(0) }],
    // A key of order 1, for which signatures fit many messages, and bytes that are no point.
    [one, changed(one, 0, 1, ...new Uint8Array(31))],
    [changed(one, 0, ...new Uint8Array(32).fill(2))],
    [other, changed(one, one.record.length - 1, one.record.at(-1)! ^ 1)],
  ];
  const wrong = await threads.check(jobs);
  expect(wrong).toEqual(jobs.map((job) => job.findIndex((signed) => !isSigned(signed))));
  expect(wrong).toEqual([-1, -1, 1, 0, 1, 1, 0, 1, 0, 1]);
});

test('answers every portion of many, and those that it had when it was closed', async () => {
  const right = await signedBy(3, 100);
  const wrong = changed(right, 120, right.record[120]! ^ 1);
  const portions = Array.from({ length: 40 }, (_, i) => threads.check([[right], [i % 2 === 0 ? right : wrong]]));
  await threads.close();
  const all = await Promise.all(portions);
  expect(all).toEqual(Array.from({ length: 40 }, (_, i) => [-1, i % 2 === 0 ? -1 : 0]));
  // It can begin again.
  expect(await threads.check([[wrong]])).toEqual([0]);
});
