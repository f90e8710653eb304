/** Two control planes of one mesh, over one hub, with real sockets: what one of them knows counts at the other. */
import { afterEach, expect, test } from 'vitest';
import { realClock } from '@llmesh/core/base/clock';
import { MemoryHub } from '../cluster/memory-hub.ts';
import { startControlPlane, type ControlPlane } from '../server.ts';
import { CLOSE } from '../sockets/bounded-socket.ts';
import { MeshPeer, newIdentity, SignalPeer, TestSocket } from '../testing/clients.ts';

const planes: ControlPlane[] = [];
afterEach(async () => {
  await Promise.all(planes.splice(0).map((plane) => plane.close()));
});

async function startTwo(joinWorkBits = 0): Promise<[ControlPlane, ControlPlane]> {
  const hub = new MemoryHub(realClock);
  const start = () =>
    startControlPlane({ port: 0, host: '127.0.0.1', webFolder: 'nowhere', joinWorkBits, cluster: hub.join() });
  const two = [await start(), await start()] as [ControlPlane, ControlPlane];
  planes.push(...two);
  return two;
}

async function joined({ port }: ControlPlane, identity = newIdentity()) {
  const peer = new MeshPeer(port, identity);
  await peer.join();
  const { signalToken: token } = await peer.says('welcome');
  return { peer, token };
}

test('a peer that joins at another instance has its older session ended there', async () => {
  const [one, other] = await startTwo();
  const { peer: older } = await joined(one);
  const { peer: newer } = await joined(other, older.identity);
  expect((await older.end()).code).toBe(CLOSE.replaced);
  await newer.settled();
  expect(newer.ws.readyState).toBe(newer.ws.OPEN);
});

test('the work for joining is done once, wherever', async () => {
  const [one, other] = await startTwo(8);
  const identity = newIdentity();
  const asked: number[] = [];
  for (const { port } of [one, other]) {
    const peer = new MeshPeer(port, identity);
    await peer.opened();
    peer.hello();
    const challenge = await peer.says('challenge');
    asked.push(challenge.workBits);
    await peer.prove(challenge);
    await peer.says('welcome');
  }
  expect(asked).toEqual([8, 0]);
});

test('a pass of one opens /signal at the other, for its own id', async () => {
  const [one, other] = await startTwo();
  const { peer, token } = await joined(one);
  await new SignalPeer(other.port, { id: peer.id, token }).says('OPEN');
  const { peer: thief } = await joined(other);
  expect(await new SignalPeer(other.port, { id: thief.id, token }).opened()).toBe(401);
});

test('a peer is called for a relayed link from the other instance, and the link is where its tickets were given', async () => {
  const [one, other] = await startTwo();
  const [{ peer: caller }, { peer: callee }] = [await joined(one), await joined(other)];
  caller.send({ type: 'relay', requestId: 7, peer: callee.id });
  const [{ ticket: ours }, call] = await Promise.all([caller.says('relayed'), callee.says('call')]);
  expect(call.peer).toBe(caller.id);
  const at = ({ port }: ControlPlane, ticket: string) =>
    new TestSocket(`ws://127.0.0.1:${port}/relay?ticket=${ticket}`, (text) => text).opened();
  expect(await at(other, call.ticket)).toBe(421);
  expect(await Promise.all([at(one, ours), at(one, call.ticket)])).toEqual([101, 101]);
  expect(await at(other, call.ticket)).toBe(401);
  await callee.settled();
  callee.send({ type: 'bye' });
  await callee.end();
  caller.send({ type: 'relay', requestId: 8, peer: callee.id });
  expect(await caller.says('refused')).toMatchObject({ requestId: 8, code: 'connect_failed' });
});

test('while the cluster cannot be reached, whoever joins or opens something is turned away and may try again', async () => {
  const cluster = new MemoryHub(realClock).join();
  let isReached = false;
  const throughOutage =
    <A extends unknown[], T>(call: (...args: A) => Promise<T>) =>
    async (...args: A): Promise<T> => {
      if (isReached) return await call(...args);
      throw new Error('no servers available for connection');
    };
  const { passes, presence } = cluster;
  const plane = await startControlPlane({
    port: 0,
    host: '127.0.0.1',
    webFolder: 'nowhere',
    joinWorkBits: 0,
    cluster: {
      ...cluster,
      passes: {
        put: (key, value, forMs) => passes.put(key, value, forMs),
        take: (key) => passes.take(key),
        read: throughOutage((key: string) => passes.read(key)),
      },
      presence: {
        renew: () => presence.renew(),
        find: (peer) => presence.find(peer),
        depart: (peer, session) => presence.depart(peer, session),
        close: () => presence.close(),
        arrive: throughOutage((peer) => presence.arrive(peer)),
      },
    },
  });
  planes.push(plane);
  const identity = newIdentity();
  const turnedAway = new MeshPeer(plane.port, identity);
  await turnedAway.join();
  expect(await turnedAway.says('refused')).toMatchObject({ code: 'busy' });
  expect((await turnedAway.end()).code).toBe(CLOSE.busy);
  isReached = true;
  const { peer, token } = await joined(plane, identity);
  isReached = false;
  expect(await new SignalPeer(plane.port, { id: peer.id, token }).opened()).toBe(503);
  isReached = true;
  await new SignalPeer(plane.port, { id: peer.id, token }).says('OPEN');
});
