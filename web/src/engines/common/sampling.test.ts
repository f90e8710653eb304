import { expect, it } from 'vitest';
import { samplingFor } from './sampling.ts';

it('takes what was asked for, and lets a model that knows by heart not guess', () => {
  expect(samplingFor({ parameters: 1e9 }, { temperature: 0, topP: 0.5, seed: 3 })).toEqual({
    temperature: 0,
    topP: 0.5,
    seed: 3,
  });
  expect(samplingFor({ parameters: 2e6 }, {}).temperature).toBe(0);
  expect(samplingFor({ parameters: 1e9 }, {}).temperature).toBeGreaterThan(0);
});
