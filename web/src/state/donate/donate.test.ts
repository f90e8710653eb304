import { onAbort } from '@llmesh/core/base/abort';
import type { CatalogueModel, Probe } from '@llmesh/core/policy/catalogue';
import type { Engine, LoadProgress } from '@llmesh/core/engine/engine';
import { cancelled, MeshError } from '@llmesh/core/base/errors';
import { newPeerId, type ModelId } from '@llmesh/core/base/ids';
import { ManualClock } from '@llmesh/core/testing/manual-clock';
import type { ProvideOptions, Providing } from '@llmesh/core/mesh';
import type { LifeFacts } from '@llmesh/core/control/node-life';
import { selfTest } from '@llmesh/core/engine/self-test';
import type { WorkerStatus } from '@llmesh/core/provide/worker-status';
import { describe, expect, it, vi } from 'vitest';
import { EngineHolder } from '../device/engine-holder.svelte.ts';
import type { TryModel } from '../device/model-trial.ts';
import { ThisDevice } from '../device/this-device.svelte.ts';
import { Sharing } from './sharing/sharing.svelte.ts';
import { DonateState } from './donate.svelte.ts';
import { lendModel } from './lend-model.ts';
import { MemoryStore } from '../store.ts';

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
  audits: 0,
  auditing: false,
  tokens: 0,
  tokensPerSecond: 0,
  typicalTokensPerSecond: null,
  serving: [],
};

class PretendEngine implements Engine<CatalogueModel> {
  onLost: ((error: Error) => void) | null = null;
  onReload: ((ended: Promise<void>) => void) | null = null;
  closed = false;
  answer = 'yes it works';
  finishLoad: () => void = () => {};
  refuse: (error: MeshError) => void = () => {};
  loads = 0;
  asked = 0;
  #load = new Promise<void>((resolve, reject) => {
    this.finishLoad = resolve;
    this.refuse = reject;
  });
  loading: ((progress: LoadProgress) => void) | null = null;
  failLoad: MeshError | null = null;

  async probe() {
    return PROBE;
  }

  async load(_: CatalogueModel, onProgress: (progress: LoadProgress) => void, signal: AbortSignal) {
    if (this.failLoad !== null) throw this.failLoad;
    this.loading = onProgress;
    this.loads += 1;
    this.closed = false;
    await new Promise<void>((resolve, reject) => {
      this.#load.then(resolve, reject);
      onAbort(signal, () => reject(cancelled()));
    });
    return { contextTokens: 2048, backend: 'wasm' as const, slots: 1, continues: 'text' as const, replays: false };
  }

  async *generate() {
    this.asked += 1;
    yield { text: this.answer, tokens: 3 };
    return { finish: 'stop' as const, promptTokens: 1, completionTokens: 3 };
  }

  async close() {
    this.closed = true;
  }
}

function setUp(modelsKnown: Promise<void> = Promise.resolve()) {
  const models: CatalogueModel[] = [];
  const listed = modelsKnown.then(() => {
    models.push(TINY);
  });
  const engines = [new PretendEngine()];
  const engine = engines[0]!;
  const failures: unknown[] = [];
  const failed = (error: unknown) => failures.push(error);
  const offered: { options: ProvideOptions | null; stopped: boolean } = { options: null, stopped: false };
  const described: unknown[] = [];
  /** Each time that somebody looked which models are here. */
  const looks: number[] = [];
  const offers: { options: ProvideOptions; stopped: boolean; finishing: boolean; finished: () => void }[] = [];
  const connection: Pick<LifeFacts, 'control' | 'wasConnected'> = { control: 'open', wasConnected: true };
  const store = new MemoryStore();
  const clock = new ManualClock();
  const sharing = new Sharing({
    ...{
      store,
      clock,
      now: () => 0,
      metered: () => false,
      hidden: () => false,
      failed,
    },
    swarm: async () => null,
    contentOf: async () => null,
  });
  // One that was loaded and closed does not come back, as in the page.
  const newEngine = () => {
    if (engines.at(-1)?.closed === true && engines.at(-1)?.loads !== 0) engines.push(new PretendEngine());
    return engines.at(-1)!;
  };
  const device = new ThisDevice({
    models: () => models,
    newEngine,
    shelf: {
      kept: async (known) => {
        looks.push(known.length);
        return [];
      },
      lasting: async () => true,
      remove: async () => {},
      quota: async () => null,
    },
    store,
    failed,
  });
  const tryModel: TryModel = (tried, _, signal, wrote) =>
    selfTest(tried, { question: 'does it work', answer: 'yes it works' }, { clock, wrote }, signal);
  const donate = new DonateState({
    sharing,
    device,
    holder: new EngineHolder({ newEngine, tryModel, clock, failed }),
    modelsKnown: () => listed,
    provide: async (options): Promise<Providing> => {
      const offer = { options, stopped: false, finishing: false, finished: () => {} };
      offers.push(offer);
      offered.options = options;
      return {
        status: IDLE,
        describe: () => described.push(options.models.map(({ advert }) => advert.wakesInMs)),
        stop: async () => {
          offer.stopped = true;
          offered.stopped = true;
        },
        finish: () => {
          offer.finishing = true;
          return new Promise((resolve) => (offer.finished = resolve));
        },
      };
    },
    connection: () => connection,
    lend: lendModel,
    store,
    clock,
    now: () => 1_772_800_000_000,
    failed,
  });
  /** Long enough for the promises that one step sets off. */
  const settle = () => clock.advance(0);
  const start = async () => {
    const ended = donate.start();
    await settle();
    return ended;
  };
  return {
    donate,
    described,
    looks,
    engine,
    engines,
    failures,
    offered,
    offers,
    settle,
    start,
    store,
    clock,
    connection,
    models,
  };
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

  it('says that it is waking, to the mesh as well, while the engine loads its model again', async () => {
    const { donate, engine, offered, described, looks, settle, start } = setUp();
    void start();
    engine.finishLoad();
    await settle();
    expect(donate.phase).toBe('waiting');
    const looked = looks.length;
    let answersAgain = () => {};
    engine.onReload?.(new Promise((resolve) => (answersAgain = resolve)));
    engine.loading?.({ phase: 'start', loadedBytes: 1e6, totalBytes: 4e6 });
    offered.options?.onStatus({ ...IDLE, queued: 1 });
    expect([donate.phase, donate.waking]).toEqual(['waking', { phase: 'start', loadedBytes: 1e6, totalBytes: 4e6 }]);
    expect([donate.donating, described]).toEqual([false, [[expect.any(Number)]]]);
    answersAgain();
    await settle();
    expect([donate.phase, donate.waking, described]).toEqual(['waiting', null, [[expect.any(Number)], [undefined]]]);
    expect(looks.length).toBe(looked);
    await donate.stop();
  });

  it('measures the room on this device when a model has come, not only when lending ends', async () => {
    const { donate, engine, looks, settle, start } = setUp();
    void start();
    await settle();
    const before = looks.length;
    engine.finishLoad();
    await settle();
    expect([donate.phase, looks.length - before]).toEqual(['waiting', 1]);
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

  it('starts a lost device anew, tries it, and offers again; and says so', async () => {
    const { donate, engines, offers, settle, start, clock } = setUp();
    const ended = start();
    engines.at(-1)?.finishLoad();
    await settle();
    engines.at(-1)?.onLost?.(new MeshError('device_lost', 'Gone.'));
    await settle();
    expect([donate.phase, donate.on, donate.donating, donate.mended?.error.code]).toEqual([
      ...['recovering', true, false],
      'device_lost',
    ]);
    expect([offers[0]?.stopped, engines[0]?.closed]).toEqual([true, true]);
    await clock.advance(1_000);
    engines.at(-1)?.finishLoad();
    await settle();
    expect([donate.phase, engines.at(-1)?.asked, offers.length]).toEqual(['waiting', 1, 2]);
    await donate.stop();
    await ended;
    expect(donate.error).toBeNull();
  });

  it('does not offer what fails its test after a restart', async () => {
    const { donate, engines, offers, settle, start, clock } = setUp();
    const ended = start();
    engines.at(-1)?.finishLoad();
    await settle();
    engines.at(-1)?.onLost?.(new MeshError('device_lost', 'Gone.'));
    await clock.advance(1_000);
    engines.at(-1)!.answer = '!!!!';
    engines.at(-1)?.finishLoad();
    await ended;
    expect([donate.phase, donate.error?.code, offers.length]).toEqual(['error', 'self_test_failed', 1]);
  });

  it('lends a smaller model where one is too large, and gives up where there is none', async () => {
    const { donate, engines, offers, settle, start, models } = setUp();
    models.push({ ...TINY, id: 'large' as ModelId, name: 'Large', memoryBytes: 9e9 });
    await donate.device.measure();
    donate.device.choose('large' as ModelId);
    const ended = start();
    engines.at(-1)!.refuse(new MeshError('out_of_memory', 'Too large.'));
    await settle();
    engines.at(-1)?.finishLoad();
    await settle();
    expect([donate.phase, donate.lent?.model.id, donate.mended?.instead?.id]).toEqual([
      ...['waiting', 'llmesh-tiny', 'llmesh-tiny'],
    ]);
    expect(offers.at(-1)?.options.models[0]?.advert.id).toBe('llmesh-tiny');
    engines.at(-1)?.onLost?.(new MeshError('out_of_memory', 'Too large as well.'));
    await ended;
    expect([donate.phase, donate.error?.message]).toEqual(['error', 'Too large as well.']);
  });

  it('gives up on a model that fails again and again', async () => {
    const { donate, engines, settle, start, clock } = setUp();
    const ended = start();
    for (let i = 0; i < 3; i++) {
      engines.at(-1)?.finishLoad();
      await settle();
      expect(donate.phase).toBe('waiting');
      engines.at(-1)?.onLost?.(new MeshError('engine_failed', 'Dead.'));
      await clock.advance(60_000);
    }
    await ended;
    expect([donate.phase, donate.error?.message]).toEqual(['error', 'Dead.']);
  });

  it('throws away an engine that hangs, and starts another', async () => {
    const { donate, engines, offers, settle, start, clock } = setUp();
    const ended = start();
    engines.at(-1)?.finishLoad();
    await settle();
    offers[0]?.options.onHang(new MeshError('engine_failed', 'Silent.'));
    await settle();
    expect([donate.phase, engines[0]?.closed, offers[0]?.stopped]).toEqual(['recovering', true, true]);
    await clock.advance(1_000);
    engines.at(-1)?.finishLoad();
    await settle();
    expect([donate.phase, engines.length > 1]).toEqual(['waiting', true]);
    await donate.stop();
    await ended;
  });

  it('takes its offer back while the page sleeps, and counts on when it is awake', async () => {
    const { donate, engines, offers, settle, start } = setUp();
    const ended = start();
    engines.at(-1)?.finishLoad();
    await settle();
    offers[0]?.options.onStatus({ ...IDLE, answers: 1, tokens: 30 });
    await donate.suspend();
    expect(offers[0]?.stopped).toBe(true);
    await settle();
    expect([donate.phase, donate.on, offers[0]?.stopped, engines.at(-1)?.closed]).toEqual([
      'paused',
      true,
      true,
      false,
    ]);
    donate.wake();
    await settle();
    offers[1]?.options.onStatus({ ...IDLE, answers: 1, tokens: 5 });
    expect([donate.phase, donate.totals.today.tokens]).toEqual(['waiting', 35]);
    await donate.stop();
    await ended;
    expect(donate.phase).toBe('off');
  });

  it('rests while its owner wants it to, however often the page sleeps meanwhile', async () => {
    const { donate, engines, offers, settle, start } = setUp();
    donate.rest(true);
    const ended = start();
    engines.at(-1)?.finishLoad();
    await settle();
    expect([donate.phase, donate.on, offers.length]).toEqual(['paused', true, 0]);
    await donate.suspend();
    donate.wake();
    await settle();
    expect([donate.phase, offers.length]).toEqual(['paused', 0]);
    donate.rest(false);
    await settle();
    expect([donate.phase, offers.length]).toEqual(['waiting', 1]);
    donate.rest(true);
    await settle();
    expect([donate.phase, offers[0]?.stopped, engines.at(-1)?.closed]).toEqual(['paused', true, false]);
    await donate.stop();
    await ended;
  });

  it('finishes: takes nothing new, and stops when what was begun is written', async () => {
    const { donate, engines, offers, settle, start } = setUp();
    const ended = start();
    engines.at(-1)?.finishLoad();
    await settle();
    const peer = newPeerId();
    offers[0]?.options.onStatus({ ...IDLE, busySlots: 1, tokens: 20 });
    void donate.finish();
    expect([donate.finishing, offers[0]?.finishing, offers[0]?.stopped, donate.phase]).toEqual([
      true,
      true,
      false,
      'serving',
    ]);
    offers[0]?.options.onAnswer?.({ peer, model: TINY.id, tokens: 30, ms: 1_500.4, ended: 'whole' });
    offers[0]?.finished();
    await ended;
    expect([donate.phase, donate.finishing, donate.totals.today.writingMs]).toEqual(['off', false, 1_500]);
    expect(donate.given.list).toMatchObject([{ peer, tokens: 30, ended: 'whole' }]);
  });

  it('can be stopped while it finishes, or before there is anything to finish', async () => {
    const { donate, engines, settle, start } = setUp();
    const first = start();
    void donate.finish();
    await first;
    expect(donate.phase).toBe('off');
    const second = start();
    engines.at(-1)?.finishLoad();
    await settle();
    void donate.finish();
    await donate.stop();
    await second;
    expect([donate.phase, donate.error]).toEqual(['off', null]);
  });

  it('knows where it stands in the mesh', async () => {
    const { donate, engines, offers, settle, start, connection } = setUp();
    const seen = [donate.life];
    const ended = start();
    engines.at(-1)?.finishLoad();
    await settle();
    seen.push(donate.life);
    offers[0]?.options.onStatus({ ...IDLE, busySlots: 1 });
    seen.push(donate.life);
    connection.control = 'connecting';
    seen.push(donate.life);
    expect(seen).toEqual(['connected', 'active', 'participating', 'disconnected']);
    await donate.stop();
    await ended;
  });

  it('remembers the choice and the mirror', async () => {
    const { donate, store } = setUp();
    donate.device.choose(TINY.id);
    donate.device.mirror = 'https://m.example';
    const both = { value: { last: 'llmesh-tiny', mirror: 'https://m.example' } };
    await vi.waitFor(async () => expect(await store.get('record/device')).toMatchObject(both));
  });
});
