/** What identities that cost nothing can cost others: one piece each, and little all together. */
import { bytesToHex } from '@noble/hashes/utils.js';
import { expect, it } from 'vitest';
import { MeshError } from '../../base/errors.ts';
import { makeModel, randomFile } from '../../testing/made-model.ts';
import { asked, fetching, hasAll, SwarmWorld } from '../../testing/swarm-world.ts';
import { manifestBytes, PIECE_BYTES } from '../manifest.ts';
import { BLOCK_BYTES, writeBlock } from './link/block.ts';
import { Trials } from './pull/trials.ts';

const model = await makeModel({ 'model.gguf': randomFile(32 * PIECE_BYTES) });

type Deceit = 'wrong pieces' | 'silence' | 'what it lacks';

/** Those that say that they have everything. Says how many pieces each was asked for. */
function liars(world: SwarmWorld, deceits: readonly Deceit[]): number[] {
  const wants = deceits.map(() => 0);
  for (const [i, deceit] of deceits.entries()) {
    const { self } = world.stranger((channel, message) => {
      const { bulk } = channel;
      if (bulk !== null) bulk.receive = () => {};
      if (message.kind === 'SEEK') channel.send({ kind: 'HAVE', content: model.content, bits: null });
      if (message.kind !== 'WANT') return;
      for (const want of message.wants) {
        if (want.what === 'piece') wants[i] = (wants[i] ?? 0) + 1;
        if (want.what === 'piece' && deceit === 'silence') continue;
        if (want.what === 'piece' && deceit === 'what it lacks') {
          channel.send({ kind: 'DECLINE', ids: [want.id] });
          continue;
        }
        const bytes = want.what === 'piece' ? new Uint8Array(PIECE_BYTES) : (model.layers[0] ?? new Uint8Array());
        for (let at = 0; at < bytes.byteLength; at += BLOCK_BYTES) bulk?.send(writeBlock(want.id, bytes, at));
      }
    });
    world.held.set(self, [{ content: model.content, sha256: null, whole: true }]);
  }
  return wants;
}

const wrongOnes = (count: number) => Array.from({ length: count }, (): Deceit => 'wrong pieces');

/** `met`: the two honest ones are linked before. */
async function among(deceits: readonly Deceit[], { bytesPerSecond = 1_000_000, met = false } = {}) {
  const world = new SwarmWorld(11);
  world.network.bulk = { clock: world.clock, bytesPerSecond };
  const honest = [await world.seeder(model), await world.seeder(model)];
  const wants = liars(world, deceits);
  const node = world.join();
  if (met) for (const { self } of honest) await node.links.open(self, new AbortController().signal);
  const outcome = fetching(node, asked(model, { manifest: model.manifest }));
  const ms = await world.until(outcome, 300_000);
  expect(await hasAll(outcome, model)).toBe(true);
  return { ms, wants, wrongPieces: node.swarm.figures.totals.wrong / PIECE_BYTES };
}

it('a new identity costs one piece, and a hundred of them not many more than eight', { timeout: 60_000 }, async () => {
  const { ms, wants, wrongPieces } = await among(wrongOnes(100), { met: true });
  expect(Math.max(...wants)).toBeLessThanOrEqual(1);
  expect(wrongPieces).toBeGreaterThan(0);
  // Eight change nothing yet, and seven more may have been on their way by then; then one for sixteen that were right, and one in ten seconds.
  expect(wrongPieces).toBeLessThanOrEqual(15 + model.map.count / 16 + ms / 10_000);
});

it('a liar, a staller and a boaster cost no time where the links decide how long it takes', async () => {
  const { ms: alone } = await among([], { bytesPerSecond: 10_000_000 });
  const { ms } = await among(['wrong pieces', 'silence', 'what it lacks'], { bytesPerSecond: 10_000_000 });
  expect(ms).toBeLessThanOrEqual(alone * 1.05);
});

it('where nobody is honest, wrong pieces come one at a time', async () => {
  const world = new SwarmWorld(12);
  const wants = liars(world, wrongOnes(100));
  const outcome = fetching(world.join(), asked(model, { manifest: model.manifest }));
  const ms = await world.until(outcome, 20_000);
  const sum = wants.reduce((all, one) => all + one, 0);
  expect(sum).toBeGreaterThan(8);
  expect(sum).toBeLessThanOrEqual(16 + ms / 1_000);
});

it('tries many at once until too many were wrong, and seldom then', () => {
  const trials = new Trials();
  const none = { asked: 0, proven: false };
  for (let i = 0; i < 8; i++) {
    expect(trials.allows(0, { asked: 7, proven: false })).toBe(true);
    expect(trials.allows(0, { asked: 8, proven: false })).toBe(false);
    trials.came(false);
  }
  expect(trials.allows(0, { asked: 1, proven: false })).toBe(false);
  expect(trials.allows(0, none)).toBe(true);
  trials.began(0);
  expect(trials.allows(999, none)).toBe(false);
  expect(trials.allows(1_000, none)).toBe(true);
  expect(trials.allows(1_000, { asked: 0, proven: true })).toBe(false);
  expect(trials.allows(10_000, { asked: 0, proven: true })).toBe(true);
  for (let i = 0; i < 16; i++) trials.came(true);
  expect(trials.allows(0, { asked: 7, proven: true })).toBe(true);
});

it('what a model consists of is asked of those who are linked, while nobody tells who has it', async () => {
  const world = new SwarmWorld();
  const away = () => Promise.reject(new MeshError('control_unreachable', 'The mesh cannot be reached.'));
  const seeder = await world.seeder(model);
  const node = world.join({ holders: { hold: () => {}, holders: away } });
  const alone = fetching(node, asked(model));
  await world.until(alone);
  expect(alone.error).toMatchObject({ code: 'control_unreachable' });

  // One that lies about it, and one that has it.
  const liar = world.stranger((channel, message) => {
    if (channel.bulk !== null) channel.bulk.receive = () => {};
    const other = { ...model.manifest, format: 'adapter' as const };
    if (message.kind !== 'WANT_MANIFEST') return;
    channel.send({ kind: 'MANIFEST', content: model.content, bytes: manifestBytes(other) });
  });
  for (const self of [liar.self, seeder.self]) await node.links.open(self, new AbortController().signal);
  const outcome = fetching(node, asked(model));
  await world.until(outcome);
  expect(outcome.error).toBeNull();
  expect(await hasAll(outcome, model)).toBe(true);
});

it('a file that only its SHA-256 names is asked of those who are linked, while nobody tells who has it', async () => {
  const world = new SwarmWorld();
  const away = () => Promise.reject(new MeshError('control_unreachable', 'The mesh cannot be reached.'));
  const seeder = await world.seeder(model);
  const node = world.join({ holders: { hold: () => {}, holders: away } });
  const sha256 = bytesToHex(model.manifest.files[0]?.sha256 ?? new Uint8Array());
  const request = asked(model, { content: null, sha256 });
  const alone = fetching(node, request);
  await world.until(alone);
  expect(alone.error).toMatchObject({ code: 'control_unreachable' });

  // One that calls it by the name of something else, one that is silent, and one that has it.
  const liar = world.stranger((channel, message) => {
    if (message.kind === 'WANT_NAME') channel.send({ kind: 'NAME', sha256, content: 'ab'.repeat(32) });
  });
  const silent = world.stranger(() => {});
  for (const self of [liar.self, silent.self, seeder.self]) await node.links.open(self, new AbortController().signal);
  const outcome = fetching(node, request);
  await world.until(outcome);
  expect(outcome.error).toBeNull();
  expect(await hasAll(outcome, model)).toBe(true);

  // Who gives nothing does not say what they have.
  seeder.limits.seeding = false;
  const later = world.join({ holders: { hold: () => {}, holders: away } });
  await later.links.open(seeder.self, new AbortController().signal);
  const refused = fetching(later, request);
  await world.until(refused);
  expect(refused.error).toMatchObject({ code: 'control_unreachable' });
});
