import { expect, test } from 'vitest';
import { ManualClock } from '@llmesh/core/testing/manual-clock';
import { QueuePace } from './queue-pace.ts';

test('begins with what is promised, and comes to what is seen', () => {
  const clock = new ManualClock();
  const pace = new QueuePace(clock, 1);
  expect(pace.estimateMs(1)).toBe(1_000);
  expect(pace.estimateMs(5)).toBe(5_000);
  for (let i = 0; i < 30; i++) {
    clock.turn(10_000);
    pace.turn();
  }
  expect(pace.estimateMs(1)).toBeGreaterThan(7_000);
  expect(pace.estimateMs(1)).toBeLessThan(10_500);
  for (let i = 0; i < 300; i++) {
    clock.turn(2_000);
    pace.turn();
  }
  expect(pace.estimateMs(1)).toBeGreaterThan(1_700);
  expect(pace.estimateMs(1)).toBeLessThan(2_300);
});

test('waiting longer than promised makes the estimate longer', () => {
  const clock = new ManualClock();
  const pace = new QueuePace(clock, 10);
  expect(pace.estimateMs(1)).toBe(100);
  clock.turn(60_000);
  expect(pace.estimateMs(1)).toBeGreaterThan(25_000);
});

test('knows nothing where nothing was seen and nothing is promised', () => {
  const clock = new ManualClock();
  const pace = new QueuePace(clock, 0);
  clock.turn(5_000);
  expect(pace.estimateMs(1)).toBe(null);
  pace.turn();
  expect(pace.estimateMs(2)).toBe(10_000);
});
