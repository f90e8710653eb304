/** An engine that comes when it is needed; the one behind it is scripted. */
import { parseCatalogue, type CatalogueModel } from '@llmesh/core/policy/catalogue';
import type { Engine, LoadedModel } from '@llmesh/core/engine/engine';
import { expect, it } from 'vitest';
import catalogue from '../../../../models/catalogue.json' with { type: 'json' };
import { LateEngine } from './late-engine.ts';

const [model] = parseCatalogue(catalogue).models as [CatalogueModel];
const never = () => new AbortController().signal;

function setUp(come: () => Promise<void> = async () => {}) {
  const calls: string[] = [];
  const real = {
    onLost: null as Engine<CatalogueModel>['onLost'],
    onReload: null as Engine<CatalogueModel>['onReload'],
    load: async () => (calls.push('load'), {} as LoadedModel),
    async *generate() {
      calls.push('generate');
      yield { text: 'a', tokens: 1, tokenIds: null };
      return { finish: 'stop', promptTokens: 1, completionTokens: 1 };
    },
    close: async () => void calls.push('close'),
  };
  let opened = 0;
  const late = new LateEngine(async () => {
    opened++;
    await come();
    return real as unknown as Engine<CatalogueModel>;
  });
  return { late, real, calls, opened: () => opened };
}

it('is opened once, when it is first needed, and tells on what it is told', async () => {
  const { late, real, calls, opened } = setUp();
  expect(opened()).toBe(0);
  await Promise.all([late.load(model, () => {}, never()), late.load(model, () => {}, never())]);
  const heard: string[] = [];
  late.onLost = (error) => heard.push(error.message);
  real.onLost?.(new Error('gone'));
  const pieces = [];
  for await (const piece of late.generate({ turns: [], sampling: {}, maxTokens: 1 }, never())) pieces.push(piece.text);
  await expect(late.score({ turns: [], sampling: {}, maxTokens: 1 }, [], never())).rejects.toMatchObject({
    code: 'unsupported',
  });
  await late.close();
  expect([opened(), calls, heard, pieces]).toEqual([1, ['load', 'load', 'generate', 'close'], ['gone'], ['a']]);
  await expect(late.load(model, () => {}, never())).rejects.toMatchObject({ code: 'engine_failed' });
});

it('closes what comes after it was closed, and never opens what nobody needed', async () => {
  let arrive = () => {};
  const { late, calls } = setUp(() => new Promise((resolve) => (arrive = resolve)));
  const loading = late.load(model, () => {}, never()).catch((error: { code: string }) => error.code);
  const closing = late.close();
  arrive();
  await closing;
  expect([await loading, calls]).toEqual(['engine_failed', ['close']]);
  const unneeded = setUp();
  await unneeded.late.close();
  expect(unneeded.opened()).toBe(0);
});

it('says so when its code does not come, and tries again', async () => {
  let fails = true;
  const { late, opened } = setUp(async () => {
    if (fails) throw new TypeError('Failed to fetch dynamically imported module');
  });
  await expect(late.load(model, () => {}, never())).rejects.toMatchObject({ code: 'page_incomplete' });
  fails = false;
  await late.load(model, () => {}, never());
  expect(opened()).toBe(2);
});

it('is not waited for by whoever stops', async () => {
  const { late } = setUp(() => new Promise(() => {}));
  const abort = new AbortController();
  const probing = late.probe(abort.signal);
  abort.abort();
  await expect(probing).rejects.toMatchObject({ code: 'cancelled' });
});
