/** A model is measured on a clock that the test moves; the engine is scripted. */
import { ManualClock } from '@llmesh/core/testing/manual-clock';
import { MeshError } from '@llmesh/core/base/errors';
import { parseCatalogue, type CatalogueModel } from '@llmesh/core/policy/catalogue';
import type { Finish, GenerateRequest, Piece } from '@llmesh/core/engine/engine';
import { expect, it } from 'vitest';
import catalogue from '../../../../../models/catalogue.json' with { type: 'json' };
import type { EngineLease } from '../../device/engine-holder.svelte.ts';
import { Benchmark } from './benchmark.svelte.ts';

const [model] = parseCatalogue(catalogue).models as [CatalogueModel];

function setUp({ tokens = 128, msPerToken = 50, fault = null as MeshError | null } = {}) {
  const clock = new ManualClock();
  const learnt: [string, number][] = [];
  const asked: number[] = [];
  let left = 0;
  async function* generate(request: GenerateRequest, signal: AbortSignal): AsyncGenerator<Piece, Finish, undefined> {
    asked.push(request.maxTokens);
    await clock.advance(300);
    for (let i = 0; i < Math.min(tokens, request.maxTokens); i++) {
      if (signal.aborted) throw new MeshError('cancelled', 'It was cancelled.');
      yield { text: 'a', tokens: 1, tokenIds: [] };
      await clock.advance(msPerToken);
    }
    return { finish: 'stop', promptTokens: 1, completionTokens: tokens };
  }
  const lease = { engine: { generate }, leave: async () => void left++ } as unknown as EngineLease;
  const benchmark = new Benchmark({
    holder: { enter: () => (fault === null ? Promise.resolve(lease) : Promise.reject(fault)) },
    device: { learnSpeed: (id, speed) => learnt.push([id, speed]) },
    clock,
    failed: () => {},
  });
  return { benchmark, learnt, asked, left: () => left };
}

it('measures how fast a model writes and how long until it begins, and keeps the speed', async () => {
  const { benchmark, learnt, left } = setUp();
  await benchmark.run(model);
  expect(benchmark.last).toMatchObject({ tokens: 128, firstTokenMs: 300 });
  expect(benchmark.last?.tokensPerSecond).toBeCloseTo(20, 0);
  expect(learnt).toEqual([[model.id, benchmark.last?.tokensPerSecond]]);
  expect([benchmark.model, benchmark.trouble, left()]).toEqual([null, null, 1]);
});

it('asks a model that stops early again, a few times at most', async () => {
  const { benchmark, asked } = setUp({ tokens: 20 });
  await benchmark.run(model);
  expect(asked).toEqual([128, 108, 88, 68]);
  expect(benchmark.last?.tokens).toBe(20);
});

it('says so where too little was written, or the model does not start', async () => {
  const short = setUp({ tokens: 1 });
  await short.benchmark.run(model);
  expect(short.benchmark.trouble).toMatch(/too little/);
  expect(short.learnt).toEqual([]);
  const busy = setUp({ fault: new MeshError('busy', 'This device is busy.') });
  await busy.benchmark.run(model);
  expect([busy.benchmark.trouble, busy.benchmark.last]).toEqual(['This device is busy.', null]);
});

it('can be stopped, and then nothing is kept', async () => {
  const { benchmark, learnt, left } = setUp();
  const run = benchmark.run(model);
  benchmark.stop();
  await run;
  expect([benchmark.trouble, benchmark.last, learnt, left()]).toEqual([null, null, [], 1]);
});
