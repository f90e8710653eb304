import { afterEach, expect, test } from 'vitest';
import { randomBytes } from '@llmesh/core/base/random-bytes';
import { nodeIdentity, nodeVerify } from '@llmesh/core/identity/node-signatures';
import { SignatureThreads, type Signed } from './signature-threads.ts';

const threads = new SignatureThreads(2);
afterEach(() => threads.close());

async function signedBy(secret: number, bytes: number): Promise<Signed> {
  const identity = nodeIdentity(new Uint8Array(32).fill(secret));
  const message = randomBytes(bytes);
  return [identity.publicKey, message, await identity.sign(message)];
}

test('names the first wrong signature of each job, whatever is wrong with it', async () => {
  const [one, other] = [await signedBy(1, 300), await signedBy(2, 1)];
  const [key, message, signature] = one;
  const changed = signature.map((byte, i) => (i === 40 ? byte ^ 1 : byte));
  const jobs: Signed[][] = [
    [one, other],
    [],
    [one, [key, message, changed], other],
    [[other[0], message, signature]],
    [one, [key.subarray(1), message, signature]],
    [one, [key, message, signature.subarray(1)], other],
    // A key of order 1, for which signatures fit many messages, and bytes that are no point.
    [one, [Uint8Array.of(1, ...new Uint8Array(31)), message, signature]],
    [[new Uint8Array(32).fill(0x02), message, signature]],
    [other, [key, new Uint8Array(0), signature]],
  ];
  const wrong = await threads.check(jobs);
  expect(wrong).toEqual(jobs.map((job) => job.findIndex((signed) => !nodeVerify(...signed))));
  expect(wrong).toEqual([-1, -1, 1, 0, 1, 1, 1, 0, 1]);
});

test('answers every portion of many, and those that it had when it was closed', async () => {
  const right = await signedBy(3, 100);
  const wrong: Signed = [right[0], randomBytes(100), right[2]];
  const portions = Array.from({ length: 40 }, (_, i) => threads.check([[right], [i % 2 === 0 ? right : wrong]]));
  await threads.close();
  const all = await Promise.all(portions);
  expect(all).toEqual(Array.from({ length: 40 }, (_, i) => [-1, i % 2 === 0 ? -1 : 0]));
  // It can begin again.
  expect(await threads.check([[wrong]])).toEqual([0]);
});
