import type { CatalogueModel, Probe } from '@llmesh/core/policy/catalogue';
import type { ModelId } from '@llmesh/core/base/ids';
import { expect, it } from 'vitest';
import { proposeModel } from './donate-choice.ts';

const CARD: Probe = {
  backend: 'webgpu',
  device: 'card',
  software: false,
  f16: true,
  memoryBytes: 8e9,
  maxBufferBytes: 1e9,
};
const PROCESSOR: Probe = { ...CARD, backend: 'wasm', device: '1 CPU thread', f16: false };

function model(id: string, format: 'gguf' | 'mlc', sizeBytes: number, parameters = sizeBytes * 2): CatalogueModel {
  return {
    id: id as ModelId,
    format,
    sizeBytes,
    memoryBytes: sizeBytes * 1.2,
    parameters,
    f16: false,
  } as CatalogueModel;
}
const MODELS = [
  model('llmesh-tiny', 'gguf', 4e6),
  model('half', 'gguf', 5e8),
  model('quick', 'mlc', 7e8),
  model('large', 'mlc', 4.6e9),
  model('huge', 'mlc', 2e10),
];
const propose = (probe: Probe, kept: string[] = [], last: string | null = null) =>
  proposeModel(
    MODELS,
    probe,
    kept.map((id) => ({ id: id as ModelId, bytes: 1, whole: true })),
    last as ModelId | null,
  )?.id;

it('takes what was chosen last while it fits', () => {
  expect(propose(PROCESSOR, [], 'half')).toBe('half');
  expect(propose(PROCESSOR, [], 'large')).toBe('llmesh-tiny');
  expect(propose(CARD, [], 'gone-from-the-catalogue')).toBe('quick');
});

it('proposes on a graphics card what is quick to get, or the largest that is here', () => {
  expect(propose(CARD)).toBe('quick');
  expect(propose(CARD, ['large'])).toBe('large');
});

it('proposes the tiny model where there is only a processor, also one that plays graphics card', () => {
  expect(propose(PROCESSOR)).toBe('llmesh-tiny');
  expect(propose({ ...CARD, software: true })).toBe('llmesh-tiny');
});

it('has nothing to propose without a catalogue', () => {
  expect(proposeModel([], CARD, [], null)).toBeNull();
});
