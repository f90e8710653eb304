import { afterEach, describe, expect, test } from 'vitest';
import { randomBytes } from '@llmesh/core/base/random-bytes';
import { nodeIdentity } from '@llmesh/core/identity/node-signatures';
import { signRecord } from '@llmesh/core/identity/signed-record';
import { isSigned, SignatureThreads, type Signed, type SignatureLibrary } from './signature-threads.ts';

async function signedBy(secret: number, bytes: number): Promise<Signed> {
  const identity = nodeIdentity(new Uint8Array(32).fill(secret));
  return { domain: 'receipt', record: await signRecord('receipt', randomBytes(bytes), identity) };
}

function changed({ domain, record }: Signed, at: number, ...bytes: number[]): Signed {
  const other = new Uint8Array(record);
  other.set(bytes, at);
  return { domain, record: other };
}

describe.each<SignatureLibrary>(['fastest', 'openssl'])('signatures on threads, checked by %s', (library) => {
  const threads = new SignatureThreads({ count: 2, library });
  afterEach(() => threads.close());

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
});

test('what a thread takes, every stranger takes: whatever is changed in a signature, its key or its text', async () => {
  const right = await signedBy(4, 60);
  // The order of the base point, which is added to the second half: another spelling of the same signature.
  const order = 2n ** 252n + 27742317777372353535851937790883648493n;
  const malleable = new Uint8Array(right.record);
  let second = order;
  for (let i = 0; i < 32; i++) second += BigInt(malleable[64 + i]!) << BigInt(8 * i);
  for (let i = 0; i < 32; i++) malleable[64 + i] = Number((second >> BigInt(8 * i)) & 0xffn);
  const jobs = [
    [right],
    [{ domain: right.domain, record: malleable }],
    ...Array.from({ length: right.record.length }, (_, at) => [changed(right, at, right.record[at]! ^ 0x80)]),
  ];
  const threads = new SignatureThreads({ count: 1 });
  try {
    const wrong = await threads.check(jobs);
    expect(wrong).toEqual([-1, ...jobs.slice(1).map(() => 0)]);
    expect(wrong).toEqual(jobs.map((job) => job.findIndex((signed) => !isSigned(signed))));
  } finally {
    await threads.close();
  }
});
