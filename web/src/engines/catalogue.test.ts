import { fits, parseCatalogue, type Probe } from '@llmesh/core/policy/catalogue';
import { prebuiltAppConfig } from '@mlc-ai/web-llm';
import { expect, it } from 'vitest';
import json from '../../../models/catalogue.json';
import { ggufUrl, isLibraryOf, mlcFolder, prebuiltMlcFolder } from './common/model-url.ts';
import { isLibrary, MLC_LIBRARIES } from './supply/web-files.ts';

const { models } = parseCatalogue(json);
const mlc = models.filter((model) => model.format === 'mlc');
const gguf = models.filter((model) => model.format === 'gguf');

it('has enough of both formats, each id once', () => {
  expect(mlc.length).toBeGreaterThanOrEqual(7);
  expect(gguf.length).toBeGreaterThanOrEqual(8);
  expect(new Set(models.map(({ id }) => id)).size).toBe(models.length);
});

it('spans half a billion to 32 billion parameters in GGUF', () => {
  const parameters = gguf.map((model) => model.parameters);
  expect(Math.max(...parameters)).toBeGreaterThan(32e9);
  expect(parameters.some((value) => value > 4e8 && value < 6e8)).toBe(true);
});

it.each(mlc)('$source agrees with the list of web-llm', (model) => {
  const record = prebuiltAppConfig.model_list.find(({ model_id }) => model_id === model.source);
  if (record === undefined) throw new Error(`web-llm does not know ${model.source}`);
  expect(model.memoryBytes).toBe(Math.round((record.vram_required_MB ?? 0) * 2 ** 20));
  expect(model.contextTokens).toBe(record.overrides?.context_window_size);
  // Only some of the records that need it declare the feature; the id tells for all of them.
  expect(model.f16).toBe(model.source.includes('f16') || (record.required_features ?? []).includes('shader-f16'));
  // The shelf finds the files of a model without web-llm's code.
  expect(prebuiltMlcFolder(model, null)).toBe(mlcFolder(record.model));
  expect(isLibraryOf(model, record.model_lib)).toBe(true);
  // So do those who fetch its pieces.
  expect(record.model_lib.startsWith(MLC_LIBRARIES)).toBe(true);
  expect(isLibrary(model, record.model_lib.slice(MLC_LIBRARIES.length))).toBe(true);
});

it.each(gguf)('$id has an address, and room for its weights', (model) => {
  expect(ggufUrl(model.source, null, 'http://localhost:7070')).toMatch(/^https?:\/\/.+\.gguf$/);
  expect(model.memoryBytes).toBeGreaterThan(model.sizeBytes);
});

it('offers something to a browser without WebGPU, and to one without 16-bit arithmetic', () => {
  const processor: Probe = {
    backend: 'wasm',
    device: '1 CPU thread',
    software: false,
    f16: false,
    memoryBytes: 3e9,
    maxBufferBytes: null,
  };
  expect(models.filter((model) => fits(model, processor).fits).length).toBeGreaterThanOrEqual(4);
  const graphics: Probe = { ...processor, backend: 'webgpu', memoryBytes: 6e9 };
  expect(mlc.filter((model) => fits(model, graphics).fits).length).toBeGreaterThanOrEqual(4);
  const emulated: Probe = { ...graphics, f16: true, software: true, memoryBytes: null };
  const slow = mlc.filter((model) => !fits(model, emulated).fits);
  expect(slow).toEqual(mlc.filter(({ parameters }) => parameters > 200_000_000));
  expect(slow.length).toBeGreaterThan(0);
  const plain = mlc.map((model) => fits(model, { ...processor, barrier: 'https' }));
  expect(plain).toEqual(mlc.map(() => ({ fits: false, why: 'graphics cards need https' })));
  expect(models.filter((model) => fits(model, { ...graphics, barrier: 'wasm' }).fits)).toEqual([]);
});
