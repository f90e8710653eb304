import { onAbort } from '@llmesh/core/base/abort';
import type { CatalogueModel } from '@llmesh/core/policy/catalogue';
import type { Engine, LoadedModel, LoadProgress } from '@llmesh/core/engine/engine';
import { cancelled, MeshError } from '@llmesh/core/base/errors';
import type { ModelId } from '@llmesh/core/base/ids';
import { ManualClock } from '@llmesh/core/testing/manual-clock';
import { describe, expect, it } from 'vitest';
import { EngineHolder } from './engine-holder.svelte.ts';

const model = (id: string) => ({ id: id as ModelId, name: id, format: 'gguf' }) as CatalogueModel;
const LOADED: LoadedModel = { contextTokens: 9, backend: 'wasm', slots: 1, continues: 'none', replays: false };
const never = new AbortController().signal;

class PretendEngine implements Engine<CatalogueModel> {
  onLost: ((error: Error) => void) | null = null;
  closed = false;
  model = '';
  progress: (progress: LoadProgress) => void = () => {};
  finish: (loaded: LoadedModel | MeshError) => void = () => {};

  async probe(): Promise<never> {
    throw new MeshError('engine_failed', 'Not asked here.');
  }

  load({ id }: CatalogueModel, onProgress: (progress: LoadProgress) => void, signal: AbortSignal) {
    this.model = id;
    this.progress = onProgress;
    return new Promise<LoadedModel>((resolve, reject) => {
      onAbort(signal, () => reject(cancelled()));
      this.finish = (outcome) => (outcome instanceof MeshError ? reject(outcome) : resolve(outcome));
    });
  }

  async *generate() {
    yield { text: 'x', tokens: 1 };
    return { finish: 'stop' as const, promptTokens: 1, completionTokens: 1 };
  }

  async close() {
    this.closed = true;
  }
}

function setUp() {
  const engines: PretendEngine[] = [];
  const clock = new ManualClock();
  const newEngine = () => {
    engines.push(new PretendEngine());
    return engines.at(-1)!;
  };
  const failed = (error: unknown) => {
    throw error;
  };
  const trial = { tokensPerSecond: 7, fails: false, tried: 0 };
  const tryModel = async () => {
    trial.tried += 1;
    if (trial.fails) throw new MeshError('self_test_failed', 'Nonsense.');
    return trial.tokensPerSecond;
  };
  return { engines, clock, trial, holder: new EngineHolder({ newEngine, tryModel, clock, failed }) };
}

const quiet = () => {};

describe('EngineRoom, with pretended engines', () => {
  it('loads one model once for two who want it, and both see it come', async () => {
    const { engines, holder } = setUp();
    const seen: string[] = [];
    const one = holder.enter(model('a'), () => seen.push('one'), never);
    const two = holder.enter(model('a'), () => seen.push('two'), never);
    engines[0]!.progress({ phase: 'download', loadedBytes: 1, totalBytes: 2 });
    engines[0]!.finish(LOADED);
    const seats = await Promise.all([one, two]);
    expect([seen, engines.length, holder.model?.id]).toEqual([['one', 'two', 'one', 'two'], 1, 'a']);
    await seats[0].leave(0);
    expect(engines[0]!.closed).toBe(false);
    await seats[1].leave(0);
    await seats[1].leave(0);
    expect([engines[0]!.closed, holder.model]).toEqual([true, null]);
  });

  it('goes on loading for the other when one gives up', async () => {
    const { engines, holder } = setUp();
    const abort = new AbortController();
    const one = holder.enter(model('a'), quiet, abort.signal);
    const two = holder.enter(model('a'), quiet, never);
    abort.abort();
    await expect(one).rejects.toMatchObject({ code: 'cancelled' });
    engines[0]!.finish(LOADED);
    expect((await two).loaded).toEqual(LOADED);
  });

  it('ends the loading when nobody waits for it any more', async () => {
    const { engines, holder } = setUp();
    const abort = new AbortController();
    const one = holder.enter(model('a'), quiet, abort.signal);
    abort.abort();
    await expect(one).rejects.toMatchObject({ code: 'cancelled' });
    expect([engines[0]!.closed, holder.model]).toEqual([true, null]);
  });

  it('holds one model: another is refused while it is in use, and takes its place when it is not', async () => {
    const { engines, holder } = setUp();
    const entering = holder.enter(model('a'), quiet, never);
    engines[0]!.finish(LOADED);
    const lease = await entering;
    await expect(holder.enter(model('b'), quiet, never)).rejects.toMatchObject({ code: 'busy' });
    await lease.leave(60_000);
    const other = holder.enter(model('b'), quiet, never);
    await expect.poll(() => engines.length).toBe(2);
    engines[1]!.finish(LOADED);
    await other;
    expect([engines[0]!.closed, engines[1]!.model, holder.model?.id]).toEqual([true, 'b', 'b']);
  });

  it('keeps an idle model for a while, and then lets it go', async () => {
    const { engines, clock, holder } = setUp();
    const entering = holder.enter(model('a'), quiet, never);
    engines[0]!.finish(LOADED);
    await (await entering).leave(60_000);
    await clock.advance(59_000);
    const again = await holder.enter(model('a'), quiet, never);
    await clock.advance(60_000);
    expect([engines.length, engines[0]!.closed]).toEqual([1, false]);
    await again.leave(60_000);
    await clock.advance(60_000);
    expect([engines[0]!.closed, holder.model]).toEqual([true, null]);
  });

  it('says so when the engine dies, and loads anew', async () => {
    const { engines, holder } = setUp();
    const entering = holder.enter(model('a'), quiet, never);
    engines[0]!.finish(LOADED);
    const lease = await entering;
    engines[0]!.onLost?.(new MeshError('device_lost', 'Gone.'));
    await expect(lease.lost).rejects.toMatchObject({ code: 'device_lost' });
    await lease.leave(0);
    const again = holder.enter(model('a'), quiet, never);
    engines[1]!.finish(LOADED);
    expect((await again).engine).toBe(engines[1]);
  });

  it('is free again after a load that failed', async () => {
    const { engines, holder } = setUp();
    const entering = holder.enter(model('a'), quiet, never);
    engines[0]!.finish(new MeshError('out_of_memory', 'Too big.'));
    await expect(entering).rejects.toMatchObject({ code: 'out_of_memory' });
    expect([engines[0]!.closed, holder.model]).toEqual([true, null]);
  });

  it('tries what it has loaded once, whoever comes, and lets nobody have what fails', async () => {
    const { engines, holder, trial } = setUp();
    trial.fails = true;
    const entering = holder.enter(model('a'), quiet, never);
    engines[0]!.finish(LOADED);
    await expect(entering).rejects.toMatchObject({ code: 'self_test_failed' });
    expect([engines[0]!.closed, holder.model]).toEqual([true, null]);
    trial.fails = false;
    const again = holder.enter(model('a'), quiet, never);
    engines[1]!.finish(LOADED);
    await again;
    expect((await holder.enter(model('a'), quiet, never)).tokensPerSecond).toBe(7);
    expect(trial.tried).toBe(2);
  });
});
