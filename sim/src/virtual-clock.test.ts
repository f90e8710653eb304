import { expect, it } from 'vitest';
import { VirtualClock } from './virtual-clock.ts';

it('runs what is due in its order, with what it wakes, and nothing later', async () => {
  const clock = new VirtualClock();
  const ran: string[] = [];
  clock.after(20, () => ran.push('late'));
  clock.after(10, () => {
    ran.push('first');
    clock.after(0, () => ran.push('third'));
    void Promise.resolve().then(() => ran.push('woken'));
  });
  clock.after(10, () => ran.push('second'));
  const cancel = clock.after(5, () => ran.push('never'));
  cancel();
  cancel();
  await clock.run(15);
  expect(ran).toEqual(['first', 'second', 'third', 'woken']);
  expect(clock.now()).toBe(15);
  expect(clock.timers).toBe(1);
});

it('keeps its order with very many', async () => {
  const clock = new VirtualClock();
  const times: number[] = [];
  for (let i = 0; i < 1_000; i++) {
    const ms = (i * 7_919) % 1_000;
    clock.after(ms, () => times.push(ms));
  }
  await clock.run(1_000);
  expect(times).toEqual(times.toSorted((a, b) => a - b));
  expect(times.length).toBe(1_000);
  expect(clock.timers).toBe(0);
});

it('lets long chains of promises settle before time moves on', async () => {
  const clock = new VirtualClock();
  let settledMs = -1;
  clock.after(1, () => {
    void (async () => {
      for (let i = 0; i < 500; i++) await Promise.resolve();
      settledMs = clock.now();
    })();
  });
  clock.after(1.001, () => {});
  await clock.run(2);
  expect(settledMs).toBe(1);
});
