import type { CatalogueModel, GgufModel, Probe } from '@llmesh/core/policy/catalogue';
import type { Continues, Engine, GenerateRequest, LoadProgress } from '@llmesh/core/engine/engine';
import { cancelled, MeshError, type ErrorCode } from '@llmesh/core/base/errors';
import { newPeerId, type ModelId } from '@llmesh/core/base/ids';
import { ManualClock } from '@llmesh/core/testing/manual-clock';
import { describe, expect, it } from 'vitest';
import { EngineHolder } from './engine-holder.svelte.ts';
import { answerHere } from './local-answer.ts';
import { LocalModels } from './local-models.svelte.ts';
import { LocalRun } from './local-run.svelte.ts';
import type { KeptModel } from './model-shelf.ts';
import { MemoryStore } from '../store.ts';
import { ThisDevice } from './this-device.svelte.ts';
import type { AnswerEvent, AskRequest } from '@llmesh/core/ask/answer';

const PROBE: Probe = {
  backend: 'wasm',
  device: '1 CPU thread',
  software: false,
  f16: false,
  memoryBytes: 1e9,
  maxBufferBytes: null,
};
const model = (id: string, sizeBytes: number, memoryBytes = sizeBytes) =>
  ({
    id: id as ModelId,
    name: id,
    quant: 'q4',
    format: 'gguf',
    sha256: null,
    sizeBytes,
    memoryBytes,
    parameters: sizeBytes,
  }) as GgufModel;
const TINY = model('llmesh-tiny', 3e6);
const SMALL = model('small', 2e6);
const HUGE = model('huge', 1.9e9);
const request: AskRequest = {
  model: TINY.id,
  turns: [{ role: 'user', content: 'What is it?' }],
  sampling: { temperature: 0 },
  maxTokens: 64,
  only: null,
};
const never = new AbortController().signal;

/** Writes what was asked, word by word. */
class EchoEngine implements Engine<CatalogueModel> {
  onLost: ((error: Error) => void) | null = null;
  failLoad: ErrorCode | null = null;
  continues: Continues = 'none';
  stopped = false;
  asked: GenerateRequest | null = null;
  progress: LoadProgress[] = [];
  readonly clock: ManualClock;

  constructor(clock: ManualClock) {
    this.clock = clock;
  }

  async probe() {
    return PROBE;
  }

  async load(_: CatalogueModel, onProgress: (progress: LoadProgress) => void) {
    if (this.failLoad !== null) throw new MeshError(this.failLoad, 'Not this time.');
    for (const each of this.progress) onProgress(each);
    return { contextTokens: 64, backend: 'wasm' as const, slots: 1, continues: this.continues, replays: false };
  }

  async *generate(asked: GenerateRequest, signal: AbortSignal) {
    this.asked = asked;
    let done = false;
    try {
      for (let i = 0; i < 10; i++) {
        if (signal.aborted) throw cancelled();
        await this.clock.advance(100);
        yield { text: `${i} `, tokens: 1 };
      }
      done = true;
      return { finish: 'stop' as const, promptTokens: 3, completionTokens: 10 };
    } finally {
      this.stopped = !done;
    }
  }

  async close() {}
}

function setUp(catalogue: CatalogueModel[] = [HUGE, SMALL, TINY], kept: KeptModel[] = []) {
  const clock = new ManualClock();
  const engine = new EchoEngine(clock);
  const store = new MemoryStore();
  const failed = (error: unknown) => {
    throw error;
  };
  const shelf = { kept: async () => kept, lasting: async () => true, remove: async () => {}, quota: async () => null };
  const device = new ThisDevice({ models: () => catalogue, newEngine: () => engine, shelf, store, failed });
  const holder = new EngineHolder({ newEngine: () => engine, tryModel: async () => null, clock, failed });
  const models = new LocalModels({
    device,
    modelsKnown: async () => {},
    inMemory: () => holder.model,
    store,
    failed,
    changed: () => {},
  });
  const run = new LocalRun({
    answering: async () => ({ answerHere }),
    models,
    holder: () => holder,
    device,
    self: newPeerId(),
    clock,
    ahead: () => 0,
  });
  return { clock, device, engine, models, holder, run, store };
}

async function all(events: AsyncGenerator<AnswerEvent, void, undefined>): Promise<AnswerEvent[]> {
  const found: AnswerEvent[] = [];
  for await (const event of events) found.push(event);
  return found;
}

describe('LocalRun, with a pretended engine and trial', () => {
  it('gives the events that a volunteer would, and learns how fast this device is', async () => {
    const { engine, models, run } = setUp();
    const events = await all(run.ask(request, never));
    expect(events.map(({ type }) => type)).toEqual(['accepted', ...Array<string>(10).fill('piece'), 'done']);
    expect(events.at(-1)).toMatchObject({
      summary: { finish: 'stop', path: null, completionTokens: 10, firstTokenMs: 100, tokensPerSecond: 10 },
    });
    expect(engine.asked).toEqual({ turns: request.turns, sampling: request.sampling, maxTokens: 64 });
    expect(models.choices.find((choice) => choice.model.id === TINY.id)?.tokensPerSecond).toBe(10);
  });

  it('ends before a stop sequence as a volunteer’s answer does, and its engine stops', async () => {
    const { engine, run } = setUp();
    const events = await all(run.ask({ ...request, stop: ['4 5'] }, never));
    const text = events.map((event) => (event.type === 'piece' ? event.text : '')).join('');
    expect(text).toBe('0 1 2 3 ');
    expect(events.at(-1)).toMatchObject({ summary: { finish: 'stop', stoppedAt: '4 5', completionTokens: 6 } });
    expect(engine.stopped).toBe(true);
  });

  it('goes on with an answer that was begun, by token ids where they are of this very file', async () => {
    const { engine, run } = setUp([{ ...TINY, sha256: 'a'.repeat(64) }]);
    engine.continues = 'ids';
    const begun = { text: 'It is', tokens: 2, tokenIds: [4, 5], sha256: 'a'.repeat(64) };
    const events = await all(run.ask({ ...request, prefix: begun }, never));
    expect(engine.asked).toMatchObject({ prefix: { text: 'It is', tokens: 2, tokenIds: [4, 5] }, maxTokens: 64 });
    expect(events.at(-1)).toMatchObject({ summary: { completionTokens: 12 } });
    await all(run.ask({ ...request, prefix: { ...begun, sha256: 'b'.repeat(64) } }, never));
    expect(engine.asked?.prefix).toEqual({ text: 'It is', tokens: 2, tokenIds: null });
  });

  it('says so when its engine cannot go on, and does not begin anew', async () => {
    const { engine, run } = setUp();
    const prefix = { text: 'It is', tokens: 2, tokenIds: null, sha256: null };
    await expect(all(run.ask({ ...request, prefix }, never))).rejects.toMatchObject({ code: 'engine_failed' });
    expect(engine.asked).toBeNull();
  });

  it('stops the engine when it is stopped, and when nobody reads on', async () => {
    const { engine, run } = setUp();
    const abort = new AbortController();
    const stopped = run.ask(request, abort.signal);
    await stopped.next();
    await stopped.next();
    abort.abort();
    await expect(all(stopped)).rejects.toMatchObject({ code: 'cancelled' });
    expect(engine.stopped).toBe(true);
    engine.stopped = false;
    for await (const event of run.ask(request, never)) if (event.type === 'piece') break;
    expect(engine.stopped).toBe(true);
  });

  it('shows the download and the waking up, and nothing when it is over', async () => {
    const { engine, run } = setUp();
    const seen: unknown[] = [];
    engine.progress = [
      { phase: 'download', loadedBytes: 1, totalBytes: 4 },
      { phase: 'start', loadedBytes: 4, totalBytes: 4 },
    ];
    const look = engine.load.bind(engine);
    engine.load = (wanted, onProgress) =>
      look(wanted, (progress) => {
        onProgress(progress);
        seen.push([run.getting?.loadedBytes ?? null, run.waking]);
      });
    await all(run.ask(request, never));
    expect([seen, run.getting, run.waking]).toEqual([
      [
        [1, false],
        [null, true],
      ],
      null,
      false,
    ]);
  });

  for (const code of ['out_of_memory', 'storage_full', 'webgpu_absent', 'model_download_failed'] as const) {
    it(`passes ${code} on, and can try again`, async () => {
      const { engine, run, holder } = setUp();
      engine.failLoad = code;
      await expect(all(run.ask(request, never))).rejects.toMatchObject({ code });
      expect(holder.model).toBeNull();
      engine.failLoad = null;
      expect((await all(run.ask(request, never))).at(-1)?.type).toBe('done');
    });
  }

  it('refuses a model that does not fit', async () => {
    const { run } = setUp();
    await expect(all(run.ask({ ...request, model: HUGE.id }, never))).rejects.toMatchObject({
      code: 'model_not_found',
    });
  });
});

describe('LocalModels', () => {
  it('offers what fits, and the tiny model first while nothing else is here', async () => {
    const { models } = setUp();
    expect([models.known, models.chosen]).toEqual([false, null]);
    await models.findOut(never);
    expect(models.choices.map((choice) => choice.model.id)).toEqual(['llmesh-tiny', 'small']);
    expect([models.known, models.chosen?.id]).toEqual([true, 'llmesh-tiny']);
  });

  it('prefers what was downloaded, and what was chosen above all', async () => {
    const kept = [{ id: SMALL.id, bytes: 2e6, whole: true }];
    const { models, store } = setUp([TINY, SMALL, HUGE], kept);
    await models.findOut(never);
    expect(models.chosen?.id).toBe('small');
    models.choose(TINY.id);
    const again = setUp([TINY, SMALL, HUGE], kept);
    await again.store.set(await store.list('record/'));
    await again.models.restore();
    await again.models.findOut(never);
    expect([models.chosen?.id, again.models.chosen?.id]).toEqual(['llmesh-tiny', 'llmesh-tiny']);
  });

  it('forgets a choice that does not fit here', async () => {
    const { models, store } = setUp();
    await store.set([['local-model', 'huge']]);
    await models.restore();
    await models.findOut(never);
    expect(models.chosen?.id).toBe('llmesh-tiny');
  });
});
