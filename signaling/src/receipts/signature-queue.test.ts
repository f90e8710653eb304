import { describe, expect, test } from 'vitest';
import { ManualClock } from '@llmesh/core/testing/manual-clock';
import { MAX_QUEUED, MAX_QUEUED_PER_NETWORK, SignatureQueue } from './signature-queue.ts';

const right = () => true;

test('checks in order, and stops at the first that is wrong', () => {
  const queue = new SignatureQueue(new ManualClock());
  const said: number[] = [];
  let asked = 0;
  const counted = (answer: boolean) => () => {
    asked++;
    return answer;
  };
  queue.check('10.0.0.1', [right, right, right], (wrong) => said.push(wrong));
  queue.check('10.0.0.1', [counted(true), counted(false), counted(true)], (wrong) => said.push(wrong));
  expect(said).toEqual([-1, 1]);
  expect(asked).toBe(2);
  void queue.flush();
});

test('many wait, with pauses between, and one from elsewhere does not wait for them', async () => {
  const clock = new ManualClock();
  const queue = new SignatureQueue(clock);
  let [done, atOnce] = [0, 0];
  for (let i = 0; i < 200; i++) queue.check(`10.0.0.${i}`, [right, right, right], () => done++);
  expect(done).toBeLessThan(10);
  atOnce = done;
  let other = false;
  queue.check('192.0.2.1', [right, right, right], () => {
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
  const queue = new SignatureQueue(new ManualClock());
  const ask = (network: string) => queue.check(network, [right, right, right], () => {});
  const tooMany = expect.objectContaining({ code: 'busy' });
  const before = () => queue.size;
  while (before() < MAX_QUEUED_PER_NETWORK) ask('10.0.0.1');
  expect(() => ask('10.0.0.2')).toThrow(tooMany);
  for (let i = 1; queue.size < MAX_QUEUED; i++) {
    for (let j = 0; j < MAX_QUEUED_PER_NETWORK && queue.size < MAX_QUEUED; j++) ask(`10.0.${i}.1`);
  }
  expect(() => ask('192.0.2.1')).toThrow(tooMany);
  void queue.flush();
  expect(queue.size).toBe(0);
});

describe('on threads', () => {
  const slow = () => new Promise<boolean>((resolve) => setTimeout(() => resolve(true)));

  test('checks in order, and stops at the first that is wrong', async () => {
    const queue = new SignatureQueue(new ManualClock(), 'threads');
    const asked: number[] = [];
    const counted = (name: number, answer: boolean) => async () => {
      asked.push(name);
      return answer;
    };
    const said: number[] = [];
    queue.check('10.0.0.1', [counted(0, true), counted(1, false), counted(2, true)], (wrong) => said.push(wrong));
    await queue.flush();
    expect([said, asked]).toEqual([[1], [0, 1]]);
  });

  test('one from elsewhere does not wait for the many of one network, and all are checked when it closes', async () => {
    const queue = new SignatureQueue(new ManualClock(), 'threads');
    const done: string[] = [];
    for (let i = 0; i < MAX_QUEUED_PER_NETWORK; i++) queue.check('10.0.0.1', [slow], () => done.push('many'));
    queue.check('192.0.2.1', [slow], () => done.push('other'));
    expect(queue.size).toBeGreaterThan(MAX_QUEUED_PER_NETWORK / 4);
    await queue.flush();
    expect(done).toHaveLength(MAX_QUEUED_PER_NETWORK + 1);
    // In the very next turn, after those that were on the threads already.
    expect(done.indexOf('other')).toBeLessThan(MAX_QUEUED_PER_NETWORK * 0.6);
    expect(queue.size).toBe(0);
  });
});
