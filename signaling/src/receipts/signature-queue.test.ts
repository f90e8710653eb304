import { expect, test } from 'vitest';
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
  queue.flush();
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
  queue.flush();
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
  queue.flush();
  expect(queue.size).toBe(0);
});
