/** Peers and servers that lie, stall, flood or leave: the model is right in the end, and nobody else pays for it. */
import { expect, it } from 'vitest';
import { MeshError } from '../../base/errors.ts';
import type { Channel, Message } from '../../peers/channel.ts';
import { contentIdOf } from '../content-id.ts';
import { scriptHasher } from '../hasher.ts';
import { manifestBytes, PIECE_BYTES } from '../manifest.ts';
import { makeModel, randomFile, type MadeModel } from '../../testing/made-model.ts';
import { asked, fetching, hasAll, SwarmWorld, webServer, type SwarmNode } from '../../testing/swarm-world.ts';
import { BLOCK_BYTES, writeBlock } from './link/block.ts';

const model = await makeModel({ 'model.gguf': randomFile(5 * PIECE_BYTES + 9_999) });
const bytesOf = (text: string) => new TextEncoder().encode(text);

/** Says that it has everything, and answers wants as the test makes it. */
function liar(
  world: SwarmWorld,
  wanted: MadeModel,
  answer: (channel: Channel, want: Extract<Message, { kind: 'WANT' }>['wants'][number]) => void,
  bits: Uint8Array<ArrayBuffer> | null = null,
) {
  const seen = { wants: 0, channels: new Set<Channel>() };
  const { self } = world.stranger((channel, message) => {
    seen.channels.add(channel);
    const { bulk } = channel;
    if (bulk !== null) bulk.receive = () => {};
    if (message.kind === 'SEEK') channel.send({ kind: 'HAVE', content: wanted.content, bits });
    if (message.kind === 'WANT_MANIFEST') {
      channel.send({ kind: 'MANIFEST', content: wanted.content, bytes: manifestBytes(wanted.manifest) });
    }
    if (message.kind === 'WANT') {
      for (const want of message.wants) {
        seen.wants += 1;
        answer(channel, want);
      }
    }
  });
  world.held.set(self, [{ content: wanted.content, sha256: null, whole: true }]);
  return { self, seen };
}

/** Sends a want's bytes, block by block. */
function sendAll(channel: Channel, id: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.byteLength; at += BLOCK_BYTES) channel.bulk?.send(writeBlock(id, bytes, at));
}

const truth = (want: { what: 'piece'; piece: number } | { what: 'layer'; file: number }): Uint8Array =>
  want.what === 'piece' ? model.piece(want.piece) : (model.layers[want.file] ?? new Uint8Array());

async function timed(prepare: (world: SwarmWorld) => void): Promise<{ ms: number; node: SwarmNode }> {
  const world = new SwarmWorld(7);
  // A megabyte a second on each link, so that waiting shows.
  world.network.bulk = { clock: world.clock, bytesPerSecond: 1_000_000 };
  await world.seeder(model);
  await world.seeder(model);
  prepare(world);
  const node = world.join();
  const outcome = fetching(node, asked(model));
  const ms = await world.until(outcome);
  expect(outcome.error).toBeNull();
  expect(await hasAll(outcome, model)).toBe(true);
  return { ms, node };
}

it('a peer that sends wrong pieces loses its place after the first, and nobody else does', async () => {
  let wants = 0;
  const { node } = await timed((world) => {
    liar(world, model, (channel, want) => {
      if (want.what === 'piece') wants += 1;
      const bytes = truth(want).slice();
      if (want.what === 'piece') bytes[bytes.byteLength - 1] = (bytes[bytes.byteLength - 1] ?? 0) ^ 1;
      sendAll(channel, want.id, bytes);
    });
  });
  // What it had been asked for when the first came.
  expect(wants).toBeLessThanOrEqual(2);
  expect(node.swarm.figures.totals.wrong).toBeLessThanOrEqual(2 * PIECE_BYTES);
});

it('hashes that the root does not cover are refused, and their sender with them', async () => {
  let layers = 0;
  await timed((world) => {
    liar(world, model, (channel, want) => {
      if (want.what === 'layer') layers += 1;
      sendAll(channel, want.id, want.what === 'layer' ? new Uint8Array(model.map.layerBytes(0)) : truth(want));
    });
  });
  expect(layers).toBeLessThanOrEqual(1);
});

it('a peer that claims everything and sends nothing, one that declines all, and one that sends a block now and then cost little time', async () => {
  const { ms: alone } = await timed(() => {});
  const { ms: among } = await timed((world) => {
    liar(world, model, () => {});
    liar(world, model, (channel, { id }) => channel.send({ kind: 'DECLINE', ids: [id] }));
    liar(world, model, (channel, want) => {
      const bytes = truth(want);
      let at = 0;
      const drip = () => {
        if (!channel.open || at >= bytes.byteLength) return;
        channel.bulk?.send(writeBlock(want.id, bytes, at));
        at += BLOCK_BYTES;
        world.clock.after(9_000, drip);
      };
      drip();
    });
  });
  // The end game begins once a piece is late.
  expect(among).toBeLessThanOrEqual(alone + 5_000);
});

it.each([
  ['that were not asked for', (channel: Channel, id: number) => sendAll(channel, id + 1_000, new Uint8Array(100))],
  ['out of order', (channel: Channel, id: number) => channel.bulk?.send(writeBlock(id, model.piece(0), BLOCK_BYTES))],
  [
    'twice',
    (channel: Channel, id: number) => {
      channel.bulk?.send(writeBlock(id, model.piece(0), 0));
      channel.bulk?.send(writeBlock(id, model.piece(0), 0));
    },
  ],
  [
    'of one byte each',
    (channel: Channel, id: number) => channel.bulk?.send(writeBlock(id, model.piece(0).subarray(0, 1), 0)),
  ],
  ['that are no blocks', (channel: Channel) => channel.bulk?.send(bytesOf('nonsense'))],
])('a peer that sends parts %s is cut off', async (_what, answer) => {
  const reasons: (MeshError | null)[] = [];
  await timed((world) => {
    const { seen } = liar(world, model, (channel, want) => {
      if (want.what === 'layer') sendAll(channel, want.id, truth(want));
      else answer(channel, want.id);
    });
    world.clock.after(3_000, () => {
      for (const channel of seen.channels) if (!channel.open) reasons.push(null);
    });
  });
  expect(reasons.length).toBe(1);
});

it.each([
  ['of a million pieces', new Uint8Array(131_072).fill(255)],
  ['with bits behind the last piece', new Uint8Array([0b1111_1111])],
  ['too short', new Uint8Array(0)],
])('a peer whose bitmap is %s disturbs nobody', async (_what, bits) => {
  await timed((world) => {
    liar(world, model, () => {}, bits);
  });
});

it('a manifest that is not the one of the content id is not taken, whoever sends it', async () => {
  const other = await makeModel({ 'model.gguf': randomFile(100) });
  const world = new SwarmWorld();
  const { self } = world.stranger((channel, message) => {
    const { bulk } = channel;
    if (bulk !== null) bulk.receive = () => {};
    if (message.kind !== 'WANT_MANIFEST') return;
    channel.send({ kind: 'MANIFEST', content: model.content, bytes: manifestBytes(other.manifest) });
  });
  world.held.set(self, [{ content: model.content, sha256: null, whole: true }]);
  const alone = fetching(world.join(), asked(model));
  await world.until(alone);
  expect(alone.error).toMatchObject({ code: 'model_not_found' });
  await world.seeder(model);
  const outcome = fetching(world.join(), asked(model));
  await world.until(outcome);
  expect(await hasAll(outcome, model)).toBe(true);
});

it('a file that is known by its SHA-256 alone comes under the content id that most name, and not from those who lie about it', async () => {
  const world = new SwarmWorld();
  const [file] = model.manifest.files;
  if (file === undefined) throw new Error('no file');
  const sha256 = Buffer.from(file.sha256).toString('hex');
  // Another file, whose manifest says that it has the SHA-256 that is asked for.
  const forged = await makeModel({ 'model.gguf': randomFile(2 * PIECE_BYTES) });
  const manifest = { ...forged.manifest, files: forged.manifest.files.map((one) => ({ ...one, sha256: file.sha256 })) };
  const content = contentIdOf(manifest, scriptHasher);
  const forgery = { ...forged, manifest, content };
  const forgers = [1, 2].map(() =>
    liar(world, forgery, (channel, want) => {
      sendAll(
        channel,
        want.id,
        want.what === 'piece' ? forged.piece(want.piece) : (forged.layers[0] ?? new Uint8Array()),
      );
    }),
  );
  for (const { self } of forgers) world.held.set(self, [{ content, sha256, whole: true }]);
  await world.seeder(model);
  const node = world.join();
  const outcome = fetching(node, asked(model, { content: null, sha256, sizeBytes: null }));
  await world.until(outcome);
  expect(outcome.error).toBeNull();
  expect(await hasAll(outcome, model)).toBe(true);
  expect((await node.store.list()).map((one) => one.content)).toEqual([model.content]);
});

it('a server that has another file is told so, and the peers have it', async () => {
  const world = new SwarmWorld();
  const web = webServer(world.clock, model);
  web.fault = (bytes) => bytes.map((byte) => byte ^ 1);
  const alone = fetching(world.join(), asked(model, { web, manifest: model.manifest }));
  await world.until(alone);
  expect(alone.error).toMatchObject({ code: 'model_integrity' });
  await world.seeder(model);
  const outcome = fetching(world.join(), asked(model, { web }));
  await world.until(outcome);
  expect(await hasAll(outcome, model)).toBe(true);
});

it('a server that sends no parts of files says so, and the peers have it', async () => {
  const world = new SwarmWorld();
  const web = webServer(world.clock, model);
  web.read = async () => {
    throw new MeshError('unsupported', 'This server sends whole files only.');
  };
  const alone = fetching(world.join(), asked(model, { web, manifest: model.manifest }));
  await world.until(alone);
  expect(alone.error).toMatchObject({ code: 'unsupported' });
  await world.seeder(model);
  const outcome = fetching(world.join(), asked(model, { web }));
  await world.until(outcome);
  expect(await hasAll(outcome, model)).toBe(true);
});

it('floods of questions cost a lender next to nothing, and what it does not lend it does not send', async () => {
  const world = new SwarmWorld();
  const seeder = await world.seeder(model);
  const heard = new Map<string, number>();
  let blocks = 0;
  const asker = world.stranger((_channel, message) => {
    const kind = message.kind === 'MANIFEST' && message.bytes === null ? 'nothing' : message.kind;
    heard.set(kind, (heard.get(kind) ?? 0) + 1);
  });
  const channel = await asker.links.open(seeder.self, new AbortController().signal);
  if (channel.bulk !== null) channel.bulk.receive = () => blocks++;
  for (let i = 0; i < 300; i++) channel.send({ kind: 'SEEK', content: model.content });
  for (let i = 0; i < 300; i++) channel.send({ kind: 'WANT_MANIFEST', content: model.content });
  const foreign = 'ab'.repeat(32);
  channel.send({ kind: 'WANT', content: foreign, wants: [{ id: 1, what: 'piece', piece: 0 }] });
  await world.clock.advance(1_000);
  expect((heard.get('HAVE') ?? 0) + (heard.get('MANIFEST') ?? 0)).toBeLessThanOrEqual(70);
  expect(heard.get('DECLINE')).toBe(1);
  expect(blocks).toBe(0);
  for (let i = 0; i < 2_000; i++) channel.send({ kind: 'SEEK', content: model.content });
  await world.clock.advance(1_000);
  expect(channel.open).toBe(false);
});

it('nothing goes out that the owner does not lend any more, nor beyond their limits', async () => {
  const world = new SwarmWorld();
  const seeder = await world.seeder(model);
  seeder.limits.seeding = false;
  const none = fetching(world.join(), asked(model, { manifest: model.manifest }));
  await world.until(none);
  expect(none.error).toMatchObject({ code: 'model_not_found' });
  expect(seeder.swarm.figures.totals.toPeers).toBe(0);

  seeder.limits.seeding = true;
  seeder.limits.bytesPerDay = 2 * PIECE_BYTES;
  const some = fetching(world.join(), asked(model, { manifest: model.manifest }));
  await world.until(some);
  expect(some.error).toMatchObject({ code: 'model_not_found' });
  expect(seeder.swarm.figures.sentToday).toBeLessThan(2 * PIECE_BYTES + 2 * BLOCK_BYTES);

  seeder.limits.bytesPerDay = null;
  seeder.limits.bytesPerSecond = 500_000;
  const slowly = fetching(world.join(), asked(model, { manifest: model.manifest }));
  const ms = await world.until(slowly);
  expect(await hasAll(slowly, model)).toBe(true);
  expect(ms).toBeGreaterThan((model.map.sizeBytes / 500_000) * 1000 * 0.9);

  await seeder.swarm.seed([]);
  seeder.limits.bytesPerSecond = null;
  for (const id of world.held.keys()) if (id !== seeder.self) world.held.delete(id);
  const gone = fetching(world.join(), asked(model, { manifest: model.manifest }));
  await world.until(gone);
  expect(gone.error).toMatchObject({ code: 'model_not_found' });
});
