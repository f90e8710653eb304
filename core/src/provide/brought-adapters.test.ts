/** Questions that bring an adapter along: real requester, worker, links and swarms; scripted engines, virtual time. */
import { bytesToHex } from '@noble/hashes/utils.js';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { MeshError } from '../base/errors.ts';
import { PIECE_BYTES } from '../models/manifest.ts';
import { makeModel, randomFile } from '../testing/made-model.ts';
import { MemoryPieceStore } from '../testing/memory-piece-store.ts';
import { consume, never, question, World } from '../testing/mesh-world.ts';
import { advert } from '../testing/scripted-server.ts';
import { ScriptedEngine } from '../testing/scripted-engine.ts';
import type { ModelAdvert } from '../wire/model-advert.ts';

const WORDS = ['one ', 'two ', 'three ', 'four'];
const adapter = await makeModel({ 'adapter.gguf': randomFile(3 * PIECE_BYTES + 5) });
const SHA256 = bytesToHex(adapter.manifest.files[0]!.sha256);
const base = { architecture: 'llama', width: 256, layers: 4 };
const plain = { ...advert, sha256: 'f'.repeat(64) };
const taking: ModelAdvert = { ...plain, takesAdapters: base };
const asked = () => ({ ...question(), adapter: SHA256, brings: adapter.content });

let w = new World();
beforeEach(() => {
  w = new World();
});
afterEach(() => Promise.all(w.meshes.map((mesh) => mesh.close())));

/** A peer that has the adapter. */
async function visitor() {
  const store = new MemoryPieceStore();
  const stored = await store.begin(adapter.content, adapter.manifest);
  await stored.keepLayer(0, adapter.layers[0]!);
  for (let piece = 0; piece < adapter.map.count; piece++) await stored.write(piece, adapter.piece(piece));
  await stored.complete();
  await stored.close();
  w.store = store;
  const mesh = await w.join();
  w.store = null;
  return { mesh, store };
}

async function lend({ offered = taking, slots = 1, fails = null as MeshError | null } = {}) {
  const engine = new ScriptedEngine(WORDS);
  const store = new MemoryPieceStore();
  w.store = store;
  const took: string[] = [];
  const provided = await w.provide(
    engine,
    slots,
    null,
    offered,
    { adapters: 2, slots: 2 },
    [],
    undefined,
    async (one, from, signal) => {
      took.push(one.sha256);
      if (fails !== null) throw fails;
      const stored = await provided.mesh.swarm!.take(
        { content: one.content, from, store, wants: () => true },
        { signal },
      );
      await stored.close();
    },
  );
  w.store = null;
  return { ...provided, engine, store, took };
}

it('goes to who takes adapters, which has all of it before its engine is asked', async () => {
  const without = await lend({ offered: plain });
  const able = await lend();
  const { mesh } = await visitor();
  const giving: number[] = [];
  const outcome = consume(mesh.ask({ ...asked(), onGiving: ({ sentBytes }) => giving.push(sentBytes) }, never));
  await w.clock.advance(5_000);
  expect(outcome).toMatchObject({ text: WORDS.join(''), error: null });
  expect(able.engine.adapters).toEqual([SHA256]);
  expect(await able.store.list()).toMatchObject([{ content: adapter.content, whole: true }]);
  expect([without.took, able.took]).toEqual([[], [SHA256]]);
  expect(giving.at(-1)).toBeGreaterThanOrEqual(adapter.map.sizeBytes);
});

it('the next provider gets it anew when one is gone in the middle of the answer', async () => {
  const first = await lend();
  first.engine.failAfter = { words: 2, error: new MeshError('device_lost', 'The GPU is gone.') };
  const heir = await lend();
  const { mesh } = await visitor();
  const outcome = consume(mesh.ask(asked(), never));
  await w.clock.advance(10_000);
  expect(outcome).toMatchObject({ text: WORDS.join(''), error: null });
  expect([first.took, heir.took]).toEqual([[SHA256], [SHA256]]);
  expect(heir.engine.adapters).toEqual([SHA256]);
});

it('is refused with the reason of the provider, and takes no slot of others while it comes', async () => {
  const why = new MeshError('unsupported', 'It is made for another model.');
  const able = await lend({ fails: why });
  const { mesh } = await visitor();
  const outcome = consume(mesh.ask(asked(), never));
  await w.clock.advance(5_000);
  expect(outcome.error).toMatchObject({ code: 'unsupported', message: expect.stringContaining('another model') });
  expect(able.engine.adapters).toEqual([]);
  expect(able.statuses.every(({ busySlots }) => busySlots === 0)).toBe(true);
});

it('other questions overtake one whose adapter is still on its way', async () => {
  w.network.bulk = { clock: w.clock, bytesPerSecond: 100_000 };
  const able = await lend();
  const { mesh } = await visitor();
  const bringing = consume(mesh.ask(asked(), never));
  await w.clock.advance(2_000);
  const others = consume((await w.join()).ask(question(), never));
  await w.clock.advance(2_000);
  expect(others).toMatchObject({ text: WORDS.join(''), error: null });
  expect(bringing.text).toBe('');
  await w.clock.advance(60_000);
  expect(bringing).toMatchObject({ text: WORDS.join(''), error: null });
  expect(able.engine.adapters).toEqual([undefined, SHA256]);
});

it('stops coming when its requester stops', async () => {
  w.network.bulk = { clock: w.clock, bytesPerSecond: 100_000 };
  const able = await lend();
  const { mesh } = await visitor();
  const stop = new AbortController();
  const outcome = consume(mesh.ask(asked(), stop.signal));
  await w.clock.advance(2_000);
  stop.abort();
  await w.clock.advance(5_000);
  expect(outcome.error).toMatchObject({ code: 'cancelled' });
  expect(able.mesh.swarm!.figures.fetching).toEqual([]);
  expect(able.statuses.at(-1)).toMatchObject({ busySlots: 0, queued: 0 });
});

it('is not even asked where this device does not have it, or has no place for files', async () => {
  await lend();
  const { mesh, store } = await visitor();
  await store.remove(adapter.content);
  const gone = consume(mesh.ask(asked(), never));
  const nowhere = consume((await w.join()).ask(asked(), never));
  await w.clock.advance(1_000);
  expect(gone.error).toMatchObject({ code: 'model_not_found' });
  expect(nowhere.error).toMatchObject({ code: 'unsupported' });
  expect(w.server.received).not.toContain('match');
});

it('ends with the reason where every way leads over a relay', async () => {
  w.network.path = 'relay';
  const able = await lend();
  const { mesh } = await visitor();
  const outcome = consume(mesh.ask(asked(), never));
  await w.clock.advance(20_000);
  expect(outcome.error).toMatchObject({ code: 'connect_failed', message: expect.stringContaining('relay') });
  expect(able.took).toEqual([]);
});

it('says what is missing where nobody takes adapters', async () => {
  await lend({ offered: plain });
  const { mesh } = await visitor();
  const outcome = consume(mesh.ask(asked(), never));
  await w.clock.advance(1_000);
  expect(outcome.error).toMatchObject({ code: 'no_provider', message: expect.stringContaining('adapter of yours') });
});
