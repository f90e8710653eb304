import { expect, it } from 'vitest';
import { newPeerId } from '../base/ids.ts';
import { ManualClock } from '../testing/manual-clock.ts';
import type { CheckpointNews } from '../wire/credit-messages.ts';
import { Checkpoints } from './checkpoints.ts';

const note = (root: string, ...others: string[]) =>
  `log\n7\n${root}\n\n— log c2ln\n${others.map((other) => `— ${other} c2ln\n`).join('')}`;
const shown = (text: string): CheckpointNews => ({ type: 'checkpoint', note: text, from: 0, proof: [], final: false });

function listening() {
  const clock = new ManualClock();
  const checkpoints = new Checkpoints(clock);
  const heard: string[] = [];
  checkpoints.on('heard', (text) => heard.push(text));
  return { clock, checkpoints, heard };
}

it('tells what a peer was shown and we were not, once, whoever else has signed it', () => {
  const { checkpoints, heard } = listening();
  checkpoints.shown(shown(note('same')));
  checkpoints.heard(undefined, newPeerId());
  checkpoints.heard(note('same', 'witness'), newPeerId());
  expect(heard).toEqual([]);
  checkpoints.heard(note('other'), newPeerId());
  checkpoints.heard(note('other', 'witness'), newPeerId());
  expect(heard).toEqual([note('other')]);
  expect(checkpoints.latest).toBe(note('same'));
});

it('does not let one peer drown what the others were shown', async () => {
  const { clock, checkpoints, heard } = listening();
  const loud = newPeerId();
  for (let i = 0; i < 100; i++) checkpoints.heard(note(`nonsense ${i}`), loud);
  expect(heard).toHaveLength(4);
  checkpoints.heard(note('fork'), newPeerId());
  expect(heard).toHaveLength(5);
  // What was over the rate was not remembered, and counts the next time.
  await clock.advance(10_000);
  checkpoints.heard(note('nonsense 99'), loud);
  expect(heard.at(-1)).toBe(note('nonsense 99'));
});

it('hears no more from all strangers together than it can check', () => {
  const { checkpoints, heard } = listening();
  for (let i = 0; i < 100; i++) checkpoints.heard(note(`fork ${i}`), newPeerId());
  expect(heard).toHaveLength(32);
});
