import { expect, test } from 'vitest';
import { newPeerId } from '../base/ids.ts';
import { ManualClock } from '../testing/manual-clock.ts';
import { KeptEvidence } from './kept-evidence.ts';

const work = (leaseId: string, size = 1) => ({ leaseId, provider: newPeerId(), evidence: new Uint8Array(size) });

test('answers are kept for a quarter of an hour, and those that somebody found wrong for a week', async () => {
  const clock = new ManualClock();
  const kept = new KeptEvidence(clock);
  kept.keep(work('fine'));
  kept.keepDoubted(work('wrong'));
  await clock.advance(14 * 60_000);
  expect(kept.find('fine')).not.toBeNull();
  await clock.advance(60_000);
  expect(kept.find('fine')).toBeNull();
  await clock.advance(7 * 86_400_000 - 15 * 60_000 - 1);
  expect(kept.find('wrong')).not.toBeNull();
  await clock.advance(1);
  expect(kept.find('wrong')).toBeNull();
});

test('there is room for so many, and what nobody doubts goes first', () => {
  const kept = new KeptEvidence(new ManualClock());
  kept.keepDoubted(work('wrong'));
  for (let i = 0; i < 64; i++) kept.keep(work(`fine ${i}`));
  expect(kept.find('wrong')).not.toBeNull();
  expect([kept.find('fine 0'), kept.find('fine 63')].map((one) => one !== null)).toEqual([false, true]);
  // Nor do a few large ones take more.
  for (let i = 0; i < 9; i++) kept.keepDoubted(work(`large ${i}`, 1_048_576));
  expect(kept.find('fine 63')).toBeNull();
  expect([kept.find('wrong'), kept.find('large 0'), kept.find('large 8')].map((one) => one !== null)).toEqual([
    false,
    false,
    true,
  ]);
  kept.close();
  expect(kept.find('large 8')).toBeNull();
});
