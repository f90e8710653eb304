/** Downloads in several tabs that share a store: begun, paused, gone on with, failed. What fetches is scripted. */
import { ManualClock } from '@llmesh/core/testing/manual-clock';
import { MeshError } from '@llmesh/core/base/errors';
import { parseCatalogue, type CatalogueModel } from '@llmesh/core/policy/catalogue';
import type { LoadProgress } from '@llmesh/core/engine/engine';
import { beforeEach, expect, it, vi } from 'vitest';
import catalogue from '../../../../models/catalogue.json' with { type: 'json' };
import { MemoryStore } from '../store.ts';
import { Downloads } from './downloads.svelte.ts';
import { fetchModel } from './fetch-model.ts';

const [first, second] = parseCatalogue(catalogue).models as [CatalogueModel, CatalogueModel];

interface Fetching {
  model: CatalogueModel;
  tell: (progress: LoadProgress) => void;
  signal: AbortSignal;
  done: () => void;
  fail: (error: unknown) => void;
}

let browser: MemoryStore;
beforeEach(() => {
  browser = new MemoryStore();
});

async function tab({ metered = false } = {}) {
  const fetches: Fetching[] = [];
  const came: [string, boolean][] = [];
  const downloads = new Downloads({
    store: new MemoryStore(browser),
    clock: new ManualClock(),
    models: () => [first, second],
    fetch: (model, tell, signal) =>
      new Promise<void>((resolve, reject) => {
        fetches.push({ model, tell, signal, done: resolve, fail: reject });
        signal.addEventListener('abort', () => reject(new MeshError('cancelled', 'It was cancelled.')));
      }),
    metered: () => metered,
    changed: (model, whole) => came.push([model.id, whole]),
    failed: () => {},
  });
  await downloads.restore();
  const states = () => downloads.list.map(({ model, state }) => [model.id, state]);
  return { downloads, fetches, came, states };
}

it('brings one after the other, and tells how far it is', async () => {
  const { downloads, fetches, came, states } = await tab();
  downloads.start(first);
  downloads.start(second);
  expect(states()).toEqual([
    [first.id, 'running'],
    [second.id, 'waiting'],
  ]);
  fetches[0]?.tell({ phase: 'download', loadedBytes: 5, totalBytes: 10 });
  expect(downloads.of(first.id)?.pace).toMatchObject({ loadedBytes: 5, totalBytes: 10 });
  fetches[0]?.done();
  await vi.waitFor(() => expect(states()).toEqual([[second.id, 'running']]));
  expect(came).toEqual([[first.id, true]]);
  expect(fetches).toHaveLength(2);
});

it('stays paused over a reload, and goes on when somebody says so', async () => {
  const before = await tab();
  before.downloads.start(first);
  before.downloads.pause(first);
  expect(before.fetches[0]?.signal.aborted).toBe(true);
  await vi.waitFor(() => expect(before.states()).toEqual([[first.id, 'paused']]));
  const after = await tab();
  expect(after.states()).toEqual([[first.id, 'paused']]);
  expect(after.fetches).toHaveLength(0);
  after.downloads.start(first);
  expect(after.states()).toEqual([[first.id, 'running']]);
});

it('goes on by itself after a reload', async () => {
  const before = await tab();
  before.downloads.start(first);
  await vi.waitFor(async () => expect(await browser.get('record/downloads')).toBeDefined());
  const after = await tab();
  expect(after.states()).toEqual([[first.id, 'running']]);
});

it('does not go on by itself over a connection that costs by the byte', async () => {
  const before = await tab();
  before.downloads.start(first);
  await vi.waitFor(async () => expect(await browser.get('record/downloads')).toBeDefined());
  const after = await tab({ metered: true });
  expect(after.states()).toEqual([[first.id, 'metered']]);
  expect(after.fetches).toHaveLength(0);
  after.downloads.start(first);
  expect(after.states()).toEqual([[first.id, 'running']]);
});

it('stops in one tab what another pauses, or has brought', async () => {
  const one = await tab();
  const other = await tab();
  one.downloads.start(first);
  await vi.waitFor(() => expect(other.states()).toEqual([[first.id, 'running']]));
  other.downloads.pause(first);
  await vi.waitFor(() => expect(one.fetches[0]?.signal.aborted).toBe(true));
  one.downloads.start(first);
  await vi.waitFor(() => expect(one.fetches).toHaveLength(2));
  one.fetches[1]?.done();
  await vi.waitFor(() => expect(other.states()).toEqual([]));
});

it('says why one failed, goes on with the next, and tries again when told to', async () => {
  const { downloads, fetches, came, states } = await tab();
  downloads.start(first);
  downloads.start(second);
  fetches[0]?.fail(new MeshError('storage_full', 'There is no room.'));
  await vi.waitFor(() =>
    expect(states()).toEqual([
      [first.id, 'failed'],
      [second.id, 'running'],
    ]),
  );
  expect(downloads.of(first.id)?.error?.message).toBe('There is no room.');
  expect(came).toEqual([[first.id, false]]);
  fetches[1]?.done();
  await vi.waitFor(() => expect(states()).toEqual([[first.id, 'failed']]));
  downloads.start(first);
  expect(states()).toEqual([[first.id, 'running']]);
});

it('reads nothing into memory: an engine is closed when every file is here', async () => {
  let closed = 0;
  const heard: number[] = [];
  const engine = {
    load: (_model: CatalogueModel, tell: (progress: LoadProgress) => void, signal: AbortSignal) =>
      new Promise<never>((_, reject) => {
        signal.addEventListener('abort', () => reject(new MeshError('cancelled', 'It was cancelled.')));
        tell({ phase: 'download', loadedBytes: 1, totalBytes: 2 });
        tell({ phase: 'download', loadedBytes: 2, totalBytes: 2 });
        tell({ phase: 'start', loadedBytes: 0, totalBytes: 2 });
      }),
    close: async () => void closed++,
  };
  await fetchModel(engine, first, ({ loadedBytes }) => heard.push(loadedBytes), new AbortController().signal);
  expect([heard, closed]).toEqual([[1, 2], 1]);
});

it('rejects when it is stopped, or fails, before every file is here', async () => {
  const abort = new AbortController();
  const engine = (fault: unknown) => ({
    load: (_model: CatalogueModel, _tell: unknown, signal: AbortSignal) =>
      new Promise<never>((_, reject) => {
        signal.addEventListener('abort', () => reject(new MeshError('cancelled', 'It was cancelled.')));
        if (fault !== null) reject(fault);
      }),
    close: async () => {},
  });
  const stopped = fetchModel(engine(null), first, () => {}, abort.signal);
  abort.abort();
  await expect(stopped).rejects.toMatchObject({ code: 'cancelled' });
  const full = new MeshError('storage_full', 'There is no room.');
  await expect(fetchModel(engine(full), first, () => {}, new AbortController().signal)).rejects.toBe(full);
});
