/** Two real posts over one hub, and now and then a presence that takes its time: asynchrony is where messages get mixed up. */
import { expect, test } from 'vitest';
import { newPeerId, type ModelId, type PeerId } from '@llmesh/core/base/ids';
import { ManualClock } from '@llmesh/core/testing/manual-clock';
import type { Cluster } from './cluster.ts';
import { MemoryHub } from './memory-hub.ts';
import type { Notice } from './peer-notice.ts';
import { MAX_UNDER_WAY, PeerPost } from './peer-post.ts';
import type { Presence } from './presence.ts';

const expected = (model: string): Notice => ({ type: 'expect', model: model as ModelId });

async function post(cluster: Pick<Cluster, 'instance' | 'presence' | 'broker'>) {
  const here = new Set<PeerId>();
  const heard: string[] = [];
  const deliver = (peer: PeerId, notice: Notice) => {
    if (!here.has(peer)) return false;
    heard.push(notice.type === 'expect' ? notice.model : notice.type);
    return true;
  };
  const opened = new PeerPost({ cluster, deliver });
  await opened.open();
  await cluster.presence.renew();
  return { post: opened, here, heard };
}

/** Each look is answered when the test says so, with what was true before. */
function slow(presence: Presence, looks: (() => void)[]): Presence {
  return {
    arrive: (peer) => presence.arrive(peer),
    depart: (peer, session) => presence.depart(peer, session),
    renew: () => presence.renew(),
    close: () => presence.close(),
    find: async (peer) => {
      const where = await presence.find(peer);
      await new Promise<void>((resolve) => looks.push(resolve));
      return where;
    },
  };
}

async function setUp() {
  const clock = new ManualClock();
  const hub = new MemoryHub(clock);
  const [near, far] = [hub.join(), hub.join()];
  const peer = newPeerId();
  return { clock, near, far, peer, at: await post(far) };
}

test('a peer is reached where it is: here, elsewhere, or nowhere', async () => {
  const { near, far, peer, at } = await setUp();
  const own = await post(near);
  expect(await own.post.reach(peer, expected('m1'))).toBe(false);
  at.here.add(peer);
  const { session } = await far.presence.arrive(peer);
  expect([await own.post.isAnywhere(peer), await own.post.reach(peer, expected('m2'))]).toEqual([true, true]);
  // Its session ends, and presence does not know yet.
  at.here.delete(peer);
  expect(await own.post.reach(peer, expected('m3'))).toBe(false);
  await far.presence.depart(peer, session);
  own.here.add(peer);
  expect(await own.post.reach(peer, expected('m4'))).toBe(true);
  expect([own.heard, at.heard]).toEqual([['m4'], ['m2']]);
});

test('a session that ends between the look and the message has missed it, and whoever asked hears so', async () => {
  const { near, far, peer, at } = await setUp();
  const looks: (() => void)[] = [];
  const own = await post({ ...near, presence: slow(near.presence, looks) });
  at.here.add(peer);
  await far.presence.arrive(peer);
  const reached = own.post.reach(peer, expected('m1'));
  await expect.poll(() => looks.length).toBe(1);
  at.here.delete(peer);
  looks.pop()!();
  expect(await reached).toBe(false);
  expect(at.heard).toEqual([]);
});

test('what is said to one peer arrives in its order, however long each look takes', async () => {
  const { near, far, peer, at } = await setUp();
  const looks: (() => void)[] = [];
  const own = await post({ ...near, presence: slow(near.presence, looks) });
  at.here.add(peer);
  await far.presence.arrive(peer);
  own.post.tell(peer, expected('m1'));
  own.post.tell(peer, expected('m2'));
  const last = own.post.reach(peer, expected('m3'));
  for (let i = 0; i < 3; i++) {
    await expect.poll(() => looks.length).toBeGreaterThan(0);
    // The newest look first, were there several.
    looks.pop()!();
  }
  expect(await last).toBe(true);
  expect(at.heard).toEqual(['m1', 'm2', 'm3']);
});

test('of what waits for one peer there is a bound, and others are reached all the same', async () => {
  const { near, far, peer, at } = await setUp();
  const own = await post(near);
  const other = newPeerId();
  for (const each of [peer, other]) {
    at.here.add(each);
    await far.presence.arrive(each);
  }
  for (let i = 0; i < MAX_UNDER_WAY; i++) own.post.tell(peer, expected('m'));
  await expect(own.post.reach(peer, expected('more'))).rejects.toMatchObject({ code: 'busy' });
  expect(await own.post.reach(other, expected('m'))).toBe(true);
  await expect.poll(() => at.heard.length).toBe(MAX_UNDER_WAY + 1);
  expect(await own.post.reach(peer, expected('again'))).toBe(true);
});

test('an instance that has gone reaches nobody and is asked nothing', async () => {
  const { near, far, peer, at } = await setUp();
  const own = await post(near);
  at.here.add(peer);
  await far.presence.arrive(peer);
  await at.post.close();
  await at.post.close();
  expect(await own.post.reach(peer, expected('m'))).toBe(false);
  await far.close();
  expect(await own.post.isAnywhere(peer)).toBe(false);
});

test('what another version says is nobody’s', async () => {
  const { near, far, peer, at } = await setUp();
  at.here.add(peer);
  for (const message of ['no json', '{}', JSON.stringify({ to: peer, notice: { type: 'dance' } })]) {
    expect(await near.broker.ask(`instance.${far.instance}`, message, 1_000)).toBeNull();
  }
  expect(at.heard).toEqual([]);
});
