/** Models as people tell them apart, the one to take, and the order in which they are shown. */
import { expect, it } from 'vitest';
import { parseCatalogue, type CatalogueModel, type Probe } from '@llmesh/core/policy/catalogue';
import { fits } from '@llmesh/core/policy/catalogue';
import type { Offer } from '@llmesh/core/wire/model-advert';
import catalogue from '../../../../models/catalogue.json' with { type: 'json' };
import type { Choice } from '../device/this-device.svelte.ts';
import { modelEntries, type ModelEntry } from './model-entry.ts';
import { filtered } from './model-filter.ts';
import { firstModel, recommended } from './recommend.ts';

const { models } = parseCatalogue(catalogue);
const processor: Probe = {
  ...{ backend: 'wasm', device: '3 CPU threads', software: false, f16: false },
  ...{ memoryBytes: 6e9, maxBufferBytes: null },
};
const card: Probe = { ...processor, backend: 'webgpu', device: 'Radeon', f16: true };

const choice = (model: CatalogueModel, probe: Probe, other: Partial<Choice> = {}): Choice => ({
  ...{ model, fit: fits(model, probe), kept: null, tokensPerSecond: null, own: false },
  ...other,
});

function offer(id: string, other: Partial<Offer> = {}): Offer {
  const model = models.find((one) => one.id === id);
  if (model === undefined) throw new Error(`The catalogue has no ${id}.`);
  const { name, quant, format, contextTokens } = model;
  return {
    ...{ id: model.id, name, quant, format, contextTokens, providers: 1, slots: 2, busySlots: 0, queued: 0 },
    tokensPerSecond: 30,
    ...other,
  };
}

function entries(probe: Probe, offers: readonly Offer[] = [], kept: readonly string[] = []): ModelEntry[] {
  const choices = models.map((model) =>
    choice(
      model,
      probe,
      kept.includes(model.id) ? { kept: { id: model.id, bytes: model.sizeBytes, whole: true } } : {},
    ),
  );
  return modelEntries({ models, choices, offers, probe });
}

const called = (list: readonly ModelEntry[], name: string) => list.find((entry) => entry.name === name);

it('makes one of all files of a name, and takes the best of them for this device', () => {
  const here = entries(card);
  expect(here.filter(({ name }) => name === 'Llama 3.2 1B')).toHaveLength(1);
  expect(called(here, 'Llama 3.2 1B')?.here?.model.id).toBe('llama-3.2-1b-mlc-q4f16');
  expect(called(entries(processor), 'Llama 3.2 1B')?.here?.model.id).toBe('llama-3.2-1b-q4');
  // What is here already goes first.
  expect(called(entries(card, [], ['llama-3.2-1b-q4']), 'Llama 3.2 1B')?.here?.model.id).toBe('llama-3.2-1b-q4');
});

it('says why a model does not run here, by the file that comes nearest', () => {
  expect(called(entries(processor), 'Qwen3 8B')).toMatchObject({ here: null, whyNot: expect.stringMatching(/./) });
  expect(called(entries(processor), 'Qwen3 0.6B')?.whyNot).toBeNull();
});

it('puts volunteers of all files of a model together, and asks the one that starts now', () => {
  const busy = offer('qwen3-0.6b-q8', { providers: 3, busySlots: 2, tokensPerSecond: 90 });
  const free = offer('qwen3-0.6b-mlc-q4f16', { providers: 2 });
  expect(called(entries(processor, [busy, free]), 'Qwen3 0.6B')).toMatchObject({ providers: 5, offer: free });
  const nobody = offer('qwen3-0.6b-q8', { providers: 0, slots: 0, queued: 4 });
  expect(called(entries(processor, [nobody]), 'Qwen3 0.6B')).toMatchObject({ providers: 0, offer: null, waiting: 4 });
});

it('keeps another file of the same name apart, and shows models of no catalogue', () => {
  const other = offer('qwen3-0.6b-q8', { alternative: true, sha256: 'a'.repeat(64) });
  const strange = { ...offer('qwen3-8b-q4'), id: 'strange' as Offer['id'], name: 'Strange' };
  const list = entries(processor, [other, strange]);
  expect(called(list, 'Qwen3 0.6B')?.offer).toBeNull();
  expect(list.filter(({ about }) => about === null).map(({ name }) => name)).toEqual(['Qwen3 0.6B', 'Strange']);
});

it.each<[string, ModelEntry[], boolean, string | null, string]>([
  [
    'the largest that starts now',
    entries(processor, [offer('qwen3-8b-q4'), offer('qwen3-0.6b-q8')]),
    false,
    'Qwen3 8B',
    'lent',
  ],
  [
    'no busy one',
    entries(processor, [offer('qwen3-8b-q4', { busySlots: 2 }), offer('qwen3-4b-q4')]),
    false,
    'Qwen3 4B',
    'lent',
  ],
  [
    'none that is slower than people read',
    entries(processor, [offer('qwen3-8b-q4', { tokensPerSecond: 1 })]),
    false,
    'Qwen3 0.6B',
    'get',
  ],
  [
    'what is here before something smaller that is lent',
    entries(processor, [offer('qwen3-0.6b-q8')], ['llama-3.2-1b-q4']),
    false,
    'Llama 3.2 1B',
    'here',
  ],
  ['a real one before the demo', entries(processor, [offer('llmesh-tiny')]), false, 'Qwen3 0.6B', 'get'],
  ['a larger one for a graphics card', entries(card), true, 'Qwen3 1.7B', 'get'],
])('recommends %s', (_what, list, onCard, name, reason) => {
  const found = recommended(list, onCard);
  expect([found?.entry.name, found?.reason]).toEqual([name, reason]);
});

it('recommends the demo only where there is nothing else, and nothing where there is nothing', () => {
  const small = entries({ ...processor, memoryBytes: 100e6 }, [offer('llmesh-tiny')]);
  expect(recommended(small, false)?.reason).toBe('demo');
  expect(firstModel(small, false)).toBeNull();
  expect(recommended([], false)).toBeNull();
});

it('filters by words and by place, and sorts', () => {
  const list = entries(processor, [offer('qwen3-8b-q4', { tokensPerSecond: 60 }), offer('gemma-2-2b-mlc-q4f16')]);
  const names = (
    typed: string,
    which: 'all' | 'lent' | 'fits' | 'here',
    order: 'ready' | 'mind' | 'speed' | 'download',
  ) => filtered(list, { typed, which, order }).map(({ name }) => name);
  expect(names('', 'lent', 'speed')).toEqual(['Qwen3 8B', 'Gemma 2 2B']);
  expect(names('', 'lent', 'mind')).toEqual(['Qwen3 8B', 'Gemma 2 2B']);
  expect(names('GEMMA written', 'all', 'ready')).toEqual(['Gemma 2 2B']);
  expect(names('', 'fits', 'download')[0]).toBe('LLMesh tiny');
  expect(names('', 'here', 'ready')).toEqual([]);
  expect(names('', 'all', 'mind')[0]).toBe('Qwen3 32B');
  expect(names('no such thing', 'all', 'ready')).toEqual([]);
});
