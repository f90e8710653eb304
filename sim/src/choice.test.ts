import { expect, it } from 'vitest';
import { choose, type ChoiceOptions } from './choice.ts';

const OPTIONS: ChoiceOptions = {
  seed: 1,
  providers: 100,
  seconds: 60,
  load: 0.8,
  sample: 16,
  policy: 'weighted',
  promises: true,
};

it('a choice among several is better than none, with the ranking that the matchmaker has', async () => {
  const [one, some] = [await choose({ ...OPTIONS, sample: 1 }), await choose(OPTIONS)];
  expect(some.answerMeanSeconds).toBeLessThan(one.answerMeanSeconds);
  expect(some.waitMeanMs).toBeLessThan(one.waitMeanMs);
});

it('who always sends to the best he knows of, and forgets whom he sent, swamps it', async () => {
  const swamping = { ...OPTIONS, sample: 64, promises: false };
  const [best, weighted] = [await choose({ ...swamping, policy: 'best' }), await choose(swamping)];
  expect(best.waitMeanMs).toBeGreaterThan(2 * weighted.waitMeanMs);
  expect(best.worst).toBeGreaterThan(weighted.worst);
});
