import { expect, it } from 'vitest';
import { ManualClock } from '@llmesh/core/testing/manual-clock';
import { Progress } from './progress.ts';

it('is told when it changes, not too often, and again and again while nothing does', () => {
  const clock = new ManualClock();
  const said: string[] = [];
  const progress = new Progress(clock, (step, words) => said.push(`${step} ${words}`));
  progress.doing('waiting');
  progress.doing('1 piece');
  clock.turn(500);
  progress.doing('2 pieces');
  expect(said).toEqual(['1 waiting', '2 2 pieces']);
  progress.doing('3 pieces');
  clock.turn(25_000);
  expect(said.slice(2)).toEqual(['3 3 pieces', '4 3 pieces']);
  progress.close();
  clock.turn(25_000);
  expect(said).toHaveLength(4);
});
