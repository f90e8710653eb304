import { expect, it } from 'vitest';
import { recommendedSampling } from '@llmesh/core/engine/recommended-sampling';
import { ggufDefaults, samplingFor } from './sampling.ts';

it('takes what was asked for, and fills in the rest as every engine does', () => {
  const defaults = recommendedSampling(1e9);
  expect(samplingFor(defaults, { temperature: 0, topP: 0.5, topK: 0, minP: 0.1 })).toEqual({
    temperature: 0,
    topP: 0.5,
    topK: 0,
    minP: 0.1,
  });
  expect(samplingFor(defaults, { seed: 3 })).toEqual({ ...defaults, minP: 0 });
});

it('lets a model that knows by heart not guess, and a file say how it wants to be used', () => {
  const silent = { fields: new Map() };
  expect(ggufDefaults({ parameters: 2e6 }, silent).temperature).toBe(0);
  expect(ggufDefaults({ parameters: 1e9 }, silent).temperature).toBeGreaterThan(0);
  const fields = new Map([['general.sampling.temp', { type: 6, value: 0.4, list: null }]]);
  expect(ggufDefaults({ parameters: 1e9 }, { fields })).toMatchObject({ temperature: 0.4, topK: 40 });
});
