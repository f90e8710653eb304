import { expect, it } from 'vitest';
import { WakingProgress } from './waking-progress.ts';

it('goes from nothing to the end once, though web-llm counts twice', () => {
  const waking = new WakingProgress();
  const shares = [0, 0.4, 0.35, 1, 0.1, 0.6, 1].map((progress) => waking.take(progress));
  expect(shares).toEqual([0, 0.2, 0.2, 0.5, 0.55, 0.8, 1]);
});

it('stays within the whole, whatever is counted', () => {
  const waking = new WakingProgress();
  const shares = [-1, 1.7, 0, 0.5, 0, 1.2].map((progress) => waking.take(progress));
  expect(shares).toEqual([0, 0.5, 0.5, 0.75, 0.75, 1]);
});
