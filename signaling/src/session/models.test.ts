/** Who has which models, asked of a real control plane by real sockets. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { ContentId } from '@llmesh/core/base/ids';
import { startControlPlane, type ControlPlane } from '../server.ts';
import { MeshPeer } from '../testing/clients.ts';

const content = (n: number) => n.toString(16).padStart(64, '0') as ContentId;
const sha256 = 'ab'.repeat(32);
let plane: ControlPlane;
const peers: MeshPeer[] = [];

beforeEach(async () => {
  plane = await startControlPlane({ port: 0, host: '127.0.0.1', webFolder: '/nowhere', joinWorkBits: 0 });
});
afterEach(async () => {
  for (const peer of peers.splice(0)) peer.ws.terminate();
  await plane.close();
});

async function join(identity?: MeshPeer['identity']): Promise<MeshPeer> {
  const peer = identity === undefined ? new MeshPeer(plane.port) : new MeshPeer(plane.port, identity);
  peers.push(peer);
  await peer.join();
  await peer.says('welcome');
  return peer;
}

async function holders(peer: MeshPeer, of: { content?: ContentId; sha256?: string }) {
  peer.send({ type: 'holders', requestId: 1, content: null, sha256: null, ...of });
  return (await peer.says('held')).holders;
}

it('names holders until they leave, and not to themselves', async () => {
  const [ann, bob] = [await join(), await join()];
  const certificate = 'c'.repeat(205);
  ann.send({ type: 'hold', held: [{ content: content(1), sha256, whole: true }], certificate });
  await ann.settled();
  const found = [{ peerId: ann.id, content: content(1), whole: true, certificate }];
  expect(await holders(bob, { content: content(1) })).toEqual(found);
  expect(await holders(bob, { sha256 })).toEqual(found);
  expect(await holders(ann, { sha256 })).toEqual([]);
  ann.ws.terminate();
  await ann.end();
  await expect.poll(() => holders(bob, { sha256 })).toEqual([]);
});

it('keeps what a newer connection of the same peer says when the older one ends', async () => {
  const [old, bob] = [await join(), await join()];
  old.send({ type: 'hold', held: [{ content: content(1), sha256, whole: true }], certificate: null });
  await old.settled();
  const again = await join(old.identity);
  again.send({ type: 'hold', held: [{ content: content(2), sha256, whole: true }], certificate: null });
  await again.settled();
  await old.end();
  expect((await holders(bob, { sha256 })).map((one) => one.content)).toEqual([content(2)]);
});

it('refuses a thousand models at once, and a flood of lists and questions, and goes on afterwards', async () => {
  const [mallory, bob] = [await join(), await join()];
  const many = Array.from({ length: 1_000 }, (_, n) => ({ content: content(n), sha256: null, whole: true }));
  mallory.send({ type: 'hold', held: many.slice(0, 300), certificate: null });
  expect(await mallory.says('refused')).toMatchObject({ code: 'message_too_large' });
  mallory.send({ type: 'hold', held: many.slice(0, 100), certificate: null });
  expect(await mallory.says('refused')).toMatchObject({ code: 'bad_message' });
  mallory.send({ type: 'hold', held: [{ content: '../../etc', sha256: null, whole: true }], certificate: null });
  expect(await mallory.says('refused')).toMatchObject({ code: 'bad_message' });
  for (let i = 0; i < 20; i++) mallory.send({ type: 'hold', held: [], certificate: null });
  expect(await mallory.says('refused')).toMatchObject({ code: 'rate_limited' });
  for (let i = 0; i < 40; i++) bob.send({ type: 'holders', requestId: i, content: content(1), sha256: null });
  expect(await bob.says('held')).toMatchObject({ holders: [] });
  expect(await bob.says('refused')).toMatchObject({ code: 'rate_limited' });
  mallory.send({ type: 'hold', held: many, certificate: null });
  expect(await mallory.end()).toMatchObject({ code: 1009 });
  expect(await holders(await join(), { content: content(1) })).toEqual([]);
});

it('answers nobody who has not proved a key', async () => {
  const stranger = new MeshPeer(plane.port);
  peers.push(stranger);
  await stranger.opened();
  stranger.send({ type: 'hold', held: [], certificate: null });
  expect(await stranger.says('refused')).toMatchObject({ code: 'bad_message' });
  stranger.send({ type: 'holders', requestId: 1, content: content(1), sha256: null });
  expect(await stranger.says('refused')).toMatchObject({ code: 'bad_message' });
});
