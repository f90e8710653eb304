import { describe, expect, test } from 'vitest';
import { ManualClock } from '@llmesh/core/testing/manual-clock';
import { MAX_QUEUED, MAX_QUEUED_PER_NETWORK, SignatureQueue, type Checker, type Verify } from './signature-queue.ts';
import type { Signed } from './signature-threads.ts';

const [good, bad] = [signedAs(1), signedAs(0)];
const isGood: Verify = ({ record }) => record[0] === 1;
const right = [good, good, good];

function signedAs(first: number): Signed {
  return { domain: 'receipt', record: Uint8Array.of(first) };
}

test('checks in order, and stops at the first that is wrong', () => {
  let asked = 0;
  const queue = new SignatureQueue(new ManualClock(), (signed) => {
    asked++;
    return isGood(signed);
  });
  const said: number[] = [];
  queue.check('10.0.0.1', right, (wrong) => said.push(wrong));
  queue.check('10.0.0.1', [good, bad, good], (wrong) => said.push(wrong));
  expect(said).toEqual([-1, 1]);
  expect(asked).toBe(5);
  void queue.flush();
});

test('many wait, with pauses between, and one from elsewhere does not wait for them', async () => {
  const clock = new ManualClock();
  const queue = new SignatureQueue(clock, isGood);
  let [done, atOnce] = [0, 0];
  for (let i = 0; i < 200; i++) queue.check('10.0.0.0/24', right, () => done++);
  expect(done).toBeLessThan(10);
  atOnce = done;
  let other = false;
  queue.check('192.0.2.1', right, () => {
    other = true;
  });
  await clock.advance(4);
  expect(other).toBe(true);
  expect(done - atOnce).toBeLessThan(10);
  await clock.advance(1_000);
  expect(done).toBe(200);
  expect(queue.size).toBe(0);
  void queue.flush();
});

test('so many wait of one network, and so many of all', () => {
  const queue = new SignatureQueue(new ManualClock(), isGood);
  const ask = (network: string) => queue.check(network, right, () => {});
  const tooMany = expect.objectContaining({ code: 'busy' });
  const before = () => queue.size;
  while (before() < MAX_QUEUED_PER_NETWORK) ask('10.0.0.1');
  expect(() => ask('10.0.0.1')).toThrow(tooMany);
  for (let i = 1; queue.size < MAX_QUEUED; i++) {
    for (let j = 0; j < MAX_QUEUED_PER_NETWORK && queue.size < MAX_QUEUED; j++) ask(`10.0.${i}.1`);
  }
  expect(() => ask('192.0.2.1')).toThrow(tooMany);
  void queue.flush();
  expect(queue.size).toBe(0);
});

describe('on threads', () => {
  /** In place of threads: two portions at a time, in the next turn of the event loop. */
  class SlowChecker implements Checker {
    readonly most = 2;
    readonly portions: number[] = [];

    async check(jobs: readonly (readonly Signed[])[]): Promise<number[]> {
      this.portions.push(jobs.length);
      await new Promise((resolve) => setTimeout(resolve));
      return jobs.map((signed) => signed.findIndex((one) => !isGood(one)));
    }

    async close(): Promise<void> {}
  }

  test('says which signature is wrong, and gathers while the threads are busy', async () => {
    const checker = new SlowChecker();
    const queue = new SignatureQueue(new ManualClock(), checker);
    const said: number[] = [];
    const check = (...jobs: Signed[][]) => {
      for (const signed of jobs) queue.check('10.0.0.1', signed, (wrong) => said.push(wrong));
      return Promise.resolve();
    };
    await check(right, [good, bad, good]);
    await check([bad]);
    await check(right);
    await check([good, bad]);
    await queue.flush();
    expect(said).toEqual([-1, 1, 0, -1, 1]);
    expect(checker.portions).toEqual([2, 1, 2]);
  });

  test('one from elsewhere does not wait for the many of one network, and all are checked when it closes', async () => {
    const queue = new SignatureQueue(new ManualClock(), new SlowChecker());
    const done: string[] = [];
    for (let i = 0; i < MAX_QUEUED_PER_NETWORK; i++) queue.check('10.0.0.1', [good], () => done.push('many'));
    queue.check('192.0.2.1', [good], () => done.push('other'));
    expect(queue.size).toBeGreaterThan(MAX_QUEUED_PER_NETWORK / 4);
    await queue.close();
    expect(done).toHaveLength(MAX_QUEUED_PER_NETWORK + 1);
    // In the very next turn, after those that were on the threads already.
    expect(done.indexOf('other')).toBeLessThan(MAX_QUEUED_PER_NETWORK * 0.6);
    expect(queue.size).toBe(0);
  });
});
