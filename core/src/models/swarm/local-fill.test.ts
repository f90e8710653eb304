import { expect, it } from 'vitest';
import { randomBytes } from '../../base/random-bytes.ts';
import { chunkEntry, packLists } from '../chunk-list.ts';
import { ChunkCutter } from '../chunk-cutter.ts';
import { MAX_CHUNKS_BYTES } from '../../wire/swarm-protocol.ts';
import { manifestBytes, PIECE_BYTES } from '../manifest.ts';
import { makeModel, type MadeModel } from '../../testing/made-model.ts';
import { asked, fetching, hasAll, SwarmWorld, webServer, type SwarmNode } from '../../testing/swarm-world.ts';
import { writeBlock, BLOCK_BYTES } from './link/block.ts';

const never = new AbortController().signal;

/** Random all through: chunks of repeated bytes would be everywhere. */
function fileOf(pieces: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(pieces * PIECE_BYTES);
  for (let at = 0; at < bytes.byteLength; at += 65_536) bytes.set(randomBytes(65_536), at);
  return bytes;
}

/** As when a template grows: bytes are inserted near the beginning, and everything behind them moves. */
function edited(bytes: Uint8Array, at: number, inserted: Uint8Array): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(bytes.byteLength + inserted.byteLength);
  all.set(bytes.subarray(0, at));
  all.set(inserted, at);
  all.set(bytes.subarray(at), at + inserted.byteLength);
  return all;
}

const old = fileOf(8);
const before = await makeModel({ 'model.gguf': old });
const after = await makeModel({ 'model.gguf': edited(old, 1_000, randomBytes(500)) });

async function keep({ store }: SwarmNode, model: MadeModel): Promise<void> {
  const stored = await store.begin(model.content, model.manifest);
  for (const [file, layer] of model.layers.entries()) await stored.keepLayer(file, layer);
  for (let piece = 0; piece < model.map.count; piece++) await stored.write(piece, model.piece(piece));
  await stored.complete();
  await stored.close();
}

it('a new version of a model is put together from the old one: only what changed travels', async () => {
  const world = new SwarmWorld();
  await world.seeder(after);
  const node = world.join();
  await keep(node, before);
  let fromLocal = 0;
  const outcome = node.swarm.fetch(asked(after), { signal: never, onProgress: (now) => (fromLocal = now.fromLocal) });
  const ended = { stored: null, error: null, ended: false };
  void outcome.finally(() => (ended.ended = true));
  await world.until(ended);
  expect(await hasAll({ ...ended, stored: await outcome }, after)).toBe(true);
  const { totals } = node.swarm.figures;
  expect(fromLocal + totals.fromPeers).toBe(after.map.sizeBytes);
  // The piece that was edited, and the rest of the last.
  expect(totals.fromPeers).toBeLessThanOrEqual(2 * PIECE_BYTES);
  expect(totals.wrong).toBe(0);
});

it('a folder is put together from files in another order, and what nothing here has is fetched', async () => {
  const [a, b, c] = [fileOf(2), fileOf(2), fileOf(1)];
  const [first, second] = [
    await makeModel({ 'a.bin': a, 'b.bin': b }),
    await makeModel({ 'b.bin': b, 'c.bin': c, 'a.bin': a }),
  ];
  const world = new SwarmWorld();
  await world.seeder(second);
  const node = world.join();
  await keep(node, first);
  const outcome = fetching(node, asked(second));
  await world.until(outcome);
  expect(await hasAll(outcome, second)).toBe(true);
  expect(node.swarm.figures.totals.fromPeers).toBe(PIECE_BYTES);
});

it('is given up at once when it is cancelled, and leaves nothing open', async () => {
  const world = new SwarmWorld();
  await world.seeder(after);
  const node = world.join();
  await keep(node, before);
  const stop = new AbortController();
  const outcome = fetching(node, asked(after), stop.signal);
  stop.abort();
  await world.until(outcome);
  expect(outcome.error).toMatchObject({ code: 'cancelled' });
  await node.store.remove(before.content);
  await node.store.remove(after.content);
});

/** Has everything, and says of chunks what the test makes it say; nothing when it is `silent`. */
function liar(world: SwarmWorld, model: MadeModel, chunks: () => Uint8Array<ArrayBuffer> | null, silent = false): void {
  const { self } = world.stranger((channel, message) => {
    const { content } = model;
    if (message.kind === 'SEEK')
      channel.send({ kind: 'HAVE', content, bits: null, knows: ['chunks', 'of a later time'] });
    if (message.kind === 'WANT_MANIFEST')
      channel.send({ kind: 'MANIFEST', content, bytes: manifestBytes(model.manifest) });
    if (message.kind === 'WANT_CHUNKS' && !silent)
      channel.send({ kind: 'CHUNKS', content, from: message.from, bytes: chunks() });
    if (message.kind !== 'WANT') return;
    for (const want of message.wants) {
      const bytes = want.what === 'layer' ? model.layers[want.file] : model.piece(want.piece);
      if (bytes === undefined) throw new Error('asked for what is not there');
      for (let at = 0; at < bytes.byteLength; at += BLOCK_BYTES) channel.bulk?.send(writeBlock(want.id, bytes, at));
    }
  });
  world.held.set(self, [{ content: model.content, sha256: null, whole: true }]);
}

const cutOf = (model: MadeModel) => {
  const cutter = new ChunkCutter();
  for (let piece = 0; piece < model.map.count; piece++) cutter.add(model.piece(piece));
  return cutter.end();
};

it.each([
  ['says that the new version is the old one in another order', () => packLists([shuffled(cutOf(before), after)])],
  ['names chunks that nobody has', () => packLists([lengthsOf(after.map.sizeBytes)])],
  ['sends noise', () => randomBytes(5_000)],
  ['never ends', () => new Uint8Array(MAX_CHUNKS_BYTES)],
  ['sends nothing', () => new Uint8Array(0)],
  ['does not know', () => null],
])('a peer that %s costs nothing but time: the bytes are right', async (_what, chunks) => {
  const world = new SwarmWorld();
  liar(world, after, chunks);
  const node = world.join();
  await keep(node, before);
  const outcome = fetching(node, asked(after));
  await world.until(outcome);
  expect(outcome.error).toBeNull();
  expect(await hasAll(outcome, after)).toBe(true);
});

it('one that never says where its chunks end keeps nobody from asking another, and a server is not waited with', async () => {
  const silent = (world: SwarmWorld) => liar(world, after, () => null, true);
  const world = new SwarmWorld();
  for (let one = 0; one < 2; one++) silent(world);
  await world.seeder(after);
  const node = world.join();
  await keep(node, before);
  const outcome = fetching(node, asked(after));
  expect(await world.until(outcome)).toBeLessThan(5_000);
  expect(await hasAll(outcome, after)).toBe(true);
  expect(node.swarm.figures.totals.fromPeers).toBeLessThanOrEqual(2 * PIECE_BYTES);

  const alone = new SwarmWorld();
  silent(alone);
  const other = alone.join();
  await keep(other, before);
  const web = webServer(alone.clock, after, { layers: true });
  const fetched = fetching(other, asked(after, { manifest: after.manifest, web }));
  expect(await alone.until(fetched)).toBeLessThan(5_000);
  expect(await hasAll(fetched, after)).toBe(true);
});

it.each([
  ['where its chunks end: only what changed is fetched', async () => packLists([cutOf(after)]), true],
  ['chunks that nobody has', async () => packLists([lengthsOf(after.map.sizeBytes)]), false],
  ['noise', async () => randomBytes(5_000), false],
  ['more than such lists can have', async () => new Uint8Array(1_000_000), false],
  ['nothing', async () => null, false],
  ['an error', () => Promise.reject(new Error('500')), false],
  ['nothing for ever', () => new Promise<null>(() => {}), false],
])('a server alone that says %s: the bytes are right', async (_what, chunks, helps) => {
  const world = new SwarmWorld();
  const node = world.join();
  await keep(node, before);
  const web = webServer(world.clock, after, { layers: true, chunks });
  const outcome = fetching(node, asked(after, { manifest: after.manifest, web }));
  expect(await world.until(outcome)).toBeLessThan(10_000);
  expect(await hasAll(outcome, after)).toBe(true);
  expect(web.sentBytes).toBeLessThanOrEqual(helps ? 2 * PIECE_BYTES : after.map.sizeBytes);
  if (!helps) expect(web.sentBytes).toBe(after.map.sizeBytes);
});

/** The chunks of the old one, the last first, as long as the new one. */
function shuffled(list: Uint8Array, { map }: MadeModel): Uint8Array<ArrayBuffer> {
  const entries = Array.from({ length: list.byteLength / 19 }, (_, i) => list.slice(i * 19, i * 19 + 19));
  const last = entries.pop() ?? new Uint8Array();
  const length = ((last[0] ?? 0) << 16) | ((last[1] ?? 0) << 8) | (last[2] ?? 0);
  const extra = map.sizeBytes - before.map.sizeBytes;
  return Buffer.concat([...entries.toReversed(), chunkEntry(length + extra, randomBytes(32))]);
}

function lengthsOf(sizeBytes: number): Uint8Array<ArrayBuffer> {
  const entries: Uint8Array[] = [];
  for (let left = sizeBytes; left > 0; left -= 65_536) {
    entries.push(chunkEntry(Math.min(65_536, left), randomBytes(32)));
  }
  return Buffer.concat(entries);
}
