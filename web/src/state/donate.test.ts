import { onAbort } from '@llmesh/core/abort';
import type { CatalogueModel } from '@llmesh/core/catalogue';
import type { Engine, LoadProgress, Probe } from '@llmesh/core/engine';
import { cancelled, MeshError } from '@llmesh/core/errors';
import { newPeerId, type ModelId } from '@llmesh/core/ids';
import { ManualClock } from '@llmesh/core/manual-clock';
import type { ProvideOptions, Providing } from '@llmesh/core/mesh';
import type { WorkerStatus } from '@llmesh/core/worker';
import { describe, expect, it } from 'vitest';
import { DonateState } from './donate.svelte.ts';
import { MemoryStore } from './store.ts';

const PROBE: Probe = {
  backend: 'wasm',
  device: '1 CPU thread',
  software: false,
  f16: false,
  memoryBytes: null,
  maxBufferBytes: null,
};
const TINY = {
  id: 'llmesh-tiny' as ModelId,
  format: 'gguf',
  name: 'LLMesh tiny',
  quant: 'f16',
  sizeBytes: 4e6,
  memoryBytes: 1e8,
  parameters: 2e6,
  sha256: null,
} as CatalogueModel;
const IDLE: WorkerStatus = {
  slots: 1,
  busySlots: 0,
  queued: 0,
  answers: 0,
  tokens: 0,
  tokensPerSecond: 0,
  typicalTokensPerSecond: null,
  serving: [],
};

class PretendEngine implements Engine<CatalogueModel> {
  onLost: ((error: Error) => void) | null = null;
  closed = false;
  answer = 'yes it works';
  finishLoad: () => void = () => {};
  #load = new Promise<void>((resolve) => {
    this.finishLoad = resolve;
  });
  loading: ((progress: LoadProgress) => void) | null = null;
  failLoad: MeshError | null = null;

  async probe() {
    return PROBE;
  }

  async load(_: CatalogueModel, onProgress: (progress: LoadProgress) => void, signal: AbortSignal) {
    if (this.failLoad !== null) throw this.failLoad;
    this.loading = onProgress;
    await new Promise<void>((resolve, reject) => {
      void this.#load.then(resolve);
      onAbort(signal, () => reject(cancelled()));
    });
    return { contextTokens: 2048, backend: 'wasm' as const, slots: 1, continues: 'text' as const, replays: false };
  }

  async *generate() {
    yield { text: this.answer, tokens: 3 };
    return { finish: 'stop' as const, promptTokens: 1, completionTokens: 3 };
  }

  async close() {
    this.closed = true;
  }
}

function setUp(modelsKnown: Promise<void> = Promise.resolve()) {
  let models: CatalogueModel[] = [];
  const listed = modelsKnown.then(() => {
    models = [TINY];
  });
  const engine = new PretendEngine();
  const failures: unknown[] = [];
  const offered: { options: ProvideOptions | null; stopped: boolean } = { options: null, stopped: false };
  const store = new MemoryStore();
  const clock = new ManualClock();
  const donate = new DonateState({
    models: () => models,
    modelsKnown: () => listed,
    newEngine: () => engine,
    provide: async (options): Promise<Providing> => {
      offered.options = options;
      return {
        status: IDLE,
        stop: async () => {
          offered.stopped = true;
        },
      };
    },
    shelf: { kept: async () => [], remove: async () => {}, room: async () => null },
    knownAnswer: async () => ({ question: 'does it work', answer: 'yes it works' }),
    store,
    clock,
    now: () => 1_772_800_000_000,
    failed: (error) => failures.push(error),
  });
  /** Long enough for the promises that one step sets off. */
  const settle = () => clock.advance(0);
  const start = async () => {
    const ended = donate.start();
    await settle();
    return ended;
  };
  return { donate, engine, failures, offered, settle, start, store };
}

describe('DonateState, with a pretended engine and mesh', () => {
  it('goes from the switch to waiting, and offers what it measured', async () => {
    const { donate, engine, offered, settle, start } = setUp();
    expect([donate.phase, donate.on, donate.donating]).toEqual(['off', false, false]);
    void start();
    await settle();
    expect(donate.phase).toBe('getting');
    engine.loading?.({ phase: 'download', loadedBytes: 1, totalBytes: 4 });
    expect(donate.pace).toMatchObject({ loadedBytes: 1, totalBytes: 4 });
    engine.loading?.({ phase: 'start', loadedBytes: 4, totalBytes: 4 });
    expect([donate.phase, donate.pace]).toEqual(['waking', null]);
    engine.finishLoad();
    await settle();
    expect([donate.phase, donate.donating]).toEqual(['waiting', true]);
    expect(offered.options?.models[0]).toMatchObject({
      advert: { id: 'llmesh-tiny', backend: 'wasm', contextTokens: 2048 },
      slots: 1,
    });
    await donate.stop();
  });

  it('waits for the list of models when the switch is faster', async () => {
    let known = () => {};
    const { donate, settle, start } = setUp(new Promise((resolve) => (known = resolve)));
    void start();
    await settle();
    expect(donate.phase).toBe('probing');
    known();
    await settle();
    expect(donate.phase).toBe('getting');
    await donate.stop();
  });

  it('shows whom it serves, and counts what it gave', async () => {
    const { donate, engine, offered, settle, start } = setUp();
    void start();
    engine.finishLoad();
    await settle();
    const peer = newPeerId();
    const serving = [{ peer, model: TINY.id, tokens: 20, tokensPerSecond: 40 }];
    offered.options?.onStatus({ ...IDLE, busySlots: 1, tokens: 20, tokensPerSecond: 40, serving });
    expect([donate.phase, donate.people.list[0]?.tokensPerSecond]).toEqual(['serving', 40]);
    offered.options?.onStatus({ ...IDLE, answers: 1, tokens: 30 });
    expect([donate.phase, donate.people.list[0]?.tokensPerSecond]).toEqual(['waiting', null]);
    expect(donate.totals.today).toMatchObject({ tokens: 30, answers: 1, people: 1 });
    await donate.stop();
  });

  it('stops in an orderly way', async () => {
    const { donate, engine, offered, settle, start } = setUp();
    const ended = start();
    engine.finishLoad();
    await settle();
    await donate.stop();
    await ended;
    expect([offered.stopped, engine.closed, donate.phase, donate.error]).toEqual([true, true, 'off', null]);
    await donate.stop();
  });

  it('breaks off a download without calling it a failure', async () => {
    const { donate, engine, failures, start } = setUp();
    const ended = start();
    await Promise.resolve();
    await donate.stop();
    await ended;
    expect([donate.phase, donate.error, engine.closed, failures]).toEqual(['off', null, true, []]);
  });

  it('says why it could not load, and can start again', async () => {
    const { donate, engine, settle, start } = setUp();
    engine.failLoad = new MeshError('storage_full', 'Full.');
    await start();
    expect([donate.phase, donate.on, donate.error?.code]).toEqual(['error', false, 'storage_full']);
    engine.failLoad = null;
    void start();
    engine.finishLoad();
    await settle();
    expect([donate.phase, donate.error]).toEqual(['waiting', null]);
    await donate.stop();
  });

  it('offers nothing when the self-test fails', async () => {
    const { donate, engine, offered, start } = setUp();
    engine.answer = '!!!!!!';
    engine.finishLoad();
    await start();
    expect([donate.error?.code, offered.options]).toEqual(['self_test_failed', null]);
  });

  it('takes the offer back when the device is lost', async () => {
    const { donate, engine, offered, settle, start } = setUp();
    const ended = start();
    engine.finishLoad();
    await settle();
    engine.onLost?.(new MeshError('device_lost', 'Gone.'));
    await ended;
    expect([donate.phase, donate.error?.code, offered.stopped]).toEqual(['error', 'device_lost', true]);
  });

  it('remembers the choice and the mirror', async () => {
    const { donate, store } = setUp();
    donate.device.choose(TINY.id);
    donate.device.mirror = 'https://m.example';
    await Promise.resolve();
    expect(await store.get('donate')).toMatchObject({ last: 'llmesh-tiny', mirror: 'https://m.example' });
  });
});
