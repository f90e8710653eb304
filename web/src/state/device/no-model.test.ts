import type { CatalogueModel, Probe } from '@llmesh/core/policy/catalogue';
import { fits } from '@llmesh/core/policy/catalogue';
import { MeshError } from '@llmesh/core/base/errors';
import type { ModelId } from '@llmesh/core/base/ids';
import { expect, it } from 'vitest';
import { whyNone, whyNot } from './no-model.ts';

const PROBE: Probe = {
  backend: 'wasm',
  device: '1 CPU thread',
  software: false,
  f16: false,
  memoryBytes: 1e9,
  maxBufferBytes: null,
};
const model = (id: string, format: 'gguf' | 'mlc', memoryBytes: number) =>
  ({ id, name: id, format, memoryBytes, sizeBytes: 1e6, parameters: 1, f16: false }) as CatalogueModel;
const SMALL = model('small', 'gguf', 1e6);
const CARD = model('card', 'mlc', 1e6);
const LARGE = model('large', 'gguf', 3e9);

function known(models: readonly CatalogueModel[], probe: Probe | null = PROBE, trouble: MeshError | null = null) {
  const choices =
    probe === null
      ? []
      : models.map((one) => ({ model: one, fit: fits(one, probe), kept: null, tokensPerSecond: null, own: false }));
  return { probe, trouble, choices };
}

it('names WebAssembly, not the list, where that is off', () => {
  const off = known([SMALL, CARD], { ...PROBE, barrier: 'wasm' });
  expect(off.choices.map(({ fit }) => fit.fits)).toEqual([false, false]);
  expect(whyNone(off).code).toBe('wasm_absent');
  expect(whyNot('small' as ModelId, off).code).toBe('wasm_absent');
});

it('names https where only graphics cards would do', () => {
  const plain = known([SMALL, CARD], { ...PROBE, barrier: 'https' });
  expect(plain.choices.map(({ fit }) => fit.fits)).toEqual([true, false]);
  expect(whyNot('card' as ModelId, plain).message).toContain('graphics cards need https');
  expect(whyNone(known([CARD], { ...PROBE, barrier: 'https' })).message).toContain('graphics cards need https');
});

it('names what the smallest model lacks, or that there is no list', () => {
  expect(whyNone(known([LARGE])).message).toContain('too big, by 2.0 GB');
  expect(whyNone(known([])).message).toContain('could not be loaded');
  expect(whyNot('gone' as ModelId, known([SMALL])).message).toContain('the list of models does not have it');
});

it('names why the device could not be examined', () => {
  const trouble = new MeshError('page_outdated', 'Reload the page.');
  expect(whyNone(known([SMALL], null, trouble))).toBe(trouble);
});
