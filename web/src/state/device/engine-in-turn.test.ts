import type { CatalogueModel } from '@llmesh/core/policy/catalogue';
import type { Engine, LoadedModel, LoadProgress } from '@llmesh/core/engine/engine';
import { MeshError } from '@llmesh/core/base/errors';
import type { ModelId } from '@llmesh/core/base/ids';
import { ManualClock } from '@llmesh/core/testing/manual-clock';
import { expect, it, vi } from 'vitest';
import type { Locks } from '../locks.ts';
import { DownloadTurn } from './download-turn.ts';
import { EngineInTurn } from './engine-in-turn.ts';

const LOADED: LoadedModel = { contextTokens: 9, backend: 'wasm', slots: 1, continues: 'none', replays: false };
const never = new AbortController().signal;
const model = (id: string, sha256: string | null) =>
  ({ id: id as ModelId, format: 'gguf', sha256, sizeBytes: 10 }) as CatalogueModel;
const A = model('a', 'ab');

interface Steps {
  /** Its files were brought first. */
  brought: boolean;
  begun: boolean;
  tell: (progress: LoadProgress) => void;
  /** Of loading; left out: it went well. */
  end: (error?: MeshError) => void;
}

/** The locks of one browser. */
class OneBrowser implements Locks {
  readonly #held = new Map<string, Promise<void>>();

  async tryHold(name: string) {
    if (this.#held.has(name)) return null;
    let end = () => {};
    const held = new Promise<void>((resolve) => (end = resolve));
    this.#held.set(name, held);
    return () => {
      if (this.#held.get(name) === held) this.#held.delete(name);
      end();
    };
  }

  async hold(name: string, signal: AbortSignal) {
    for (;;) {
      const release = await this.tryHold(name);
      if (release !== null) return release;
      await Promise.race([
        this.#held.get(name),
        new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error))),
      ]);
    }
  }
}

function setUp() {
  const locks = new OneBrowser();
  const clock = new ManualClock();
  const disk = { bytes: 0 };
  const failed = (error: unknown) => {
    throw error;
  };
  const tab = () => {
    const seen: LoadProgress[] = [];
    const steps: Steps = { tell: () => {}, end: () => {}, brought: false, begun: false };
    const engine = {
      load: (_: CatalogueModel, onProgress: (progress: LoadProgress) => void) => {
        steps.begun = true;
        steps.tell = onProgress;
        return new Promise<LoadedModel>((resolve, reject) => {
          steps.end = (error) => (error === undefined ? resolve(LOADED) : reject(error));
        });
      },
    } as unknown as Engine<CatalogueModel>;
    const turn = new DownloadTurn({ locks, clock, keptBytes: async () => disk.bytes, failed });
    const supply = { bring: async () => void (steps.brought = true) };
    const inTurn = new EngineInTurn(engine, turn, supply, () => ({ mirror: null, hadGpu: false }));
    const load = (wanted = A, signal = never) => inTurn.load(wanted, (progress) => seen.push(progress), signal);
    return { seen, steps, load };
  };
  return { clock, disk, tab };
}

it('a model is downloaded by one tab, while the other shows how far it is', async () => {
  const { clock, disk, tab } = setUp();
  const [one, other] = [tab(), tab()];
  const first = one.load();
  await clock.advance(0);
  const second = other.load();
  await clock.advance(0);
  disk.bytes = 4;
  await clock.advance(1_000);
  expect([one.steps.begun, other.steps.begun]).toEqual([true, false]);
  expect([one.steps.brought, other.steps.brought]).toEqual([true, false]);
  expect(other.seen).toEqual([0, 4].map((loadedBytes) => ({ phase: 'download', loadedBytes, totalBytes: 10 })));
  // From here on both read it, at the same time.
  one.steps.tell({ phase: 'start', loadedBytes: 10, totalBytes: 10 });
  await vi.waitFor(() => expect(other.steps.begun).toBe(true));
  other.steps.end();
  one.steps.end();
  expect(await Promise.all([first, second])).toEqual([LOADED, LOADED]);
  const before = other.seen.length;
  await clock.advance(10_000);
  expect(other.seen).toHaveLength(before);
});

it('a tab whose download fails lets the next one try', async () => {
  const { clock, tab } = setUp();
  const [one, other] = [tab(), tab()];
  const first = one.load();
  await clock.advance(0);
  const second = other.load();
  await clock.advance(0);
  one.steps.end(new MeshError('model_download_failed', 'Not today.'));
  await expect(first).rejects.toMatchObject({ code: 'model_download_failed' });
  await vi.waitFor(() => expect(other.steps.begun).toBe(true));
  other.steps.end();
  expect(await second).toBe(LOADED);
});

it('nobody waits for another file, nor longer than they want', async () => {
  const { clock, tab } = setUp();
  const [one, other, third] = [tab(), tab(), tab()];
  void one.load();
  await clock.advance(0);
  void other.load(model('b', 'cd'));
  await clock.advance(0);
  expect(other.steps.begun).toBe(true);
  const abort = new AbortController();
  const waits = third.load(model('other name of a', 'ab'), abort.signal);
  const rejects = expect(waits).rejects.toMatchObject({ code: 'cancelled' });
  await clock.advance(0);
  expect(third.steps.begun).toBe(false);
  abort.abort();
  await rejects;
});
