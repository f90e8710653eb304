/** The relay on real sockets: peers that are introduced on `/mesh` and meet on `/relay`. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, describe, expect, test } from 'vitest';
import { ManualClock } from '@llmesh/core/testing/manual-clock';
import { newPeerId } from '@llmesh/core/base/ids';
import type { ClientOptions } from 'ws';
import { CLOSE, PING_MS } from '../sockets/bounded-socket.ts';
import { HIGH_BYTES, IDLE_MS } from './relayed-link.ts';
import { ON_THE_WAY_MS } from './relay-places.ts';
import { TICKET_MS } from './relay-tickets.ts';
import { startControlPlane, type ControlPlane, type ControlPlaneOptions } from '../server.ts';
import { MeshPeer, TestSocket } from '../testing/clients.ts';
import { MAX_SEALED_BYTES } from '@llmesh/core/protocol';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;
const PATIENCE = { timeout: 20_000 };

const planes: ControlPlane[] = [];
afterEach(async () => {
  await Promise.all(planes.splice(0).map((plane) => plane.close()));
});

async function start(options: Partial<ControlPlaneOptions> = {}): Promise<ControlPlane> {
  const plane = await startControlPlane({ port: 0, host: '127.0.0.1', webFolder: '.', joinWorkBits: 0, ...options });
  planes.push(plane);
  return plane;
}

async function joined(plane: ControlPlane): Promise<MeshPeer> {
  const peer = new MeshPeer(plane.port);
  await peer.join();
  await peer.says('welcome');
  return peer;
}

const opened = (plane: ControlPlane, ticket: string, options?: ClientOptions) =>
  new TestSocket(`ws://127.0.0.1:${plane.port}/relay?ticket=${ticket}`, (text) => text, options);

async function tickets(caller: MeshPeer, callee: MeshPeer): Promise<{ ours: string; theirs: string }> {
  caller.send({ type: 'relay', requestId: 7, peer: callee.id });
  const [relayed, call] = await Promise.all([caller.says('relayed'), callee.says('call')]);
  expect(relayed.requestId).toBe(7);
  expect(call.peer).toBe(caller.id);
  return { ours: relayed.ticket, theirs: call.ticket };
}

interface Joined {
  plane: ControlPlane;
  caller: MeshPeer;
  callee: MeshPeer;
  near: TestSocket<string>;
  far: TestSocket<string>;
}

async function link(options: Partial<ControlPlaneOptions> = {}, farOptions?: ClientOptions): Promise<Joined> {
  const plane = await start(options);
  const [caller, callee] = await Promise.all([joined(plane), joined(plane)]);
  const { ours, theirs } = await tickets(caller, callee);
  const near = opened(plane, ours);
  const far = opened(plane, theirs, farOptions);
  expect(await Promise.all([near.opened(), far.opened()])).toEqual([101, 101]);
  return { plane, caller, callee, near, far };
}

/** Turns the clock; these answer their pings. */
async function pass(clock: ManualClock, ms: number, alive: TestSocket<unknown>[]): Promise<void> {
  for (let left = ms; left > 0; left -= PING_MS) {
    clock.turn(Math.min(left, PING_MS));
    await Promise.all(alive.map((one) => one.settled()));
  }
}

const metrics = async (plane: ControlPlane) => (await fetch(`http://127.0.0.1:${plane.port}/metrics`)).text();
const refusals = (code: string) => `llmesh_refused_total{plane="relay",code="${code}"} 1`;

describe('a relayed link', () => {
  test('passes bytes on both ways, whole and in order, and counts them', async () => {
    const { plane, near, far } = await link();
    const got: [Buffer[], Buffer[]] = [[], []];
    near.ws.on('message', (data: Buffer) => got[0].push(data));
    far.ws.on('message', (data: Buffer) => got[1].push(data));
    for (let n = 1; n <= 20; n++) {
      near.send(Buffer.alloc(n * 700, n));
      far.send(Buffer.alloc(n * 500, n));
    }
    await Promise.all([near.settled(), far.settled()]);
    // As text: comparing bytes number by number takes vitest seconds.
    const said = (all: Buffer[]) => all.map((data) => data.toString('latin1'));
    expect(said(got[1])).toEqual(said(Array.from({ length: 20 }, (_, n) => Buffer.alloc((n + 1) * 700, n + 1))));
    expect(said(got[0])).toEqual(said(Array.from({ length: 20 }, (_, n) => Buffer.alloc((n + 1) * 500, n + 1))));
    const text = await metrics(plane);
    expect(text).toContain('llmesh_sockets{kind="relay"} 2');
    expect(text).toContain(`llmesh_relayed_bytes_total ${210 * 1200}`);
  });

  test.each(['near', 'far'] as const)('ends at both ends when the %s one closes', async (first) => {
    const ends = await link();
    ends[first].ws.close();
    expect((await ends[first === 'near' ? 'far' : 'near'].end()).code).toBe(CLOSE.normal);
  });

  test('ends at the other end when one dies', async () => {
    const { near, far } = await link();
    near.ws.terminate();
    expect((await far.end()).code).toBe(CLOSE.normal);
  });

  test.each([
    ['text', 'hello', CLOSE.badMessage, 'bad_message'],
    ['nothing', Buffer.alloc(0), CLOSE.badMessage, 'bad_message'],
    ['more than a sealed fragment', Buffer.alloc(MAX_SEALED_BYTES + 1), 1009, 'message_too_large'],
  ])('that carries %s is cut off', async (_name, offence, code, counted) => {
    const { plane, near, far } = await link();
    near.send(offence);
    expect((await near.end()).code).toBe(code);
    await far.end();
    expect(await metrics(plane)).toContain(refusals(counted));
  });

  test('that is too fast is slowed down, and loses nothing', async () => {
    const clock = new ManualClock();
    const bytesPerSecond = 100_000;
    const { near, far } = await link({ clock, relay: { bytesPerSecond } });
    let received = 0;
    far.ws.on('message', (data: Buffer) => (received += data.byteLength));
    const total = 256 * 16_000;
    for (let n = 0; n < 256; n++) near.send(Buffer.alloc(16_000));
    // Four seconds' worth at once, and what was under way when it was told to wait.
    await expect.poll(() => received, PATIENCE).toBeGreaterThanOrEqual(3.9 * bytesPerSecond);
    await far.settled();
    expect(received).toBeLessThan(4 * bytesPerSecond + 200_000);
    await expect
      .poll(
        () => {
          clock.turn(1000);
          return received;
        },
        { timeout: 20_000 },
      )
      .toBe(total);
  });

  test('whose reader does not read costs little memory, and goes on when it does', { timeout: 60_000 }, async () => {
    const { near, far } = await link({ relay: { bytesPerSecond: 1e9 } });
    let received = 0;
    far.ws.on('message', (data: Buffer) => (received += data.byteLength));
    far.ws.pause();
    const total = 2_000 * 16_000;
    collectGarbage();
    const before = process.memoryUsage().arrayBuffers;
    const message = Buffer.alloc(16_000);
    for (let n = 0; n < 2_000; n++) near.send(message);
    // It stops taking more, and the rest stays with its sender. Both share this process: what is neither the sender's nor
    // garbage is what the server keeps.
    let waiting = -1;
    const kept = () => {
      collectGarbage();
      const stands = waiting === near.ws.bufferedAmount;
      waiting = near.ws.bufferedAmount;
      return stands ? process.memoryUsage().arrayBuffers - before - waiting : Infinity;
    };
    await expect.poll(kept, PATIENCE).toBeLessThan(16 * HIGH_BYTES);
    expect(waiting).toBeGreaterThan(0);
    far.ws.resume();
    await expect.poll(() => received, PATIENCE).toBe(total);
  });

  test('is cut when an end answers no ping, or nothing is said for long', async () => {
    const clock = new ManualClock();
    const dead = await link({ clock }, { autoPong: false });
    await pass(clock, PING_MS, [dead.near, dead.caller, dead.callee]);
    await pass(clock, PING_MS, [dead.caller, dead.callee]);
    expect((await dead.far.end()).code).toBe(1006);
    await dead.near.end();

    const idle = await link({ clock });
    await pass(clock, IDLE_MS, [idle.near, idle.far]);
    expect(idle.near.ws.readyState).toBe(idle.near.ws.OPEN);
    clock.turn(2 * PING_MS);
    expect((await idle.near.end()).code).toBe(CLOSE.goingAway);
  });
});

describe('a ticket', () => {
  test('that was invented, or used, opens nothing', async () => {
    const plane = await start();
    const [caller, callee] = await Promise.all([joined(plane), joined(plane)]);
    expect(await opened(plane, 'a'.repeat(32)).opened()).toBe(401);
    expect(await opened(plane, '').opened()).toBe(401);
    const { ours, theirs } = await tickets(caller, callee);
    const near = opened(plane, ours);
    const nearOpened = near.opened();
    const far = opened(plane, theirs);
    expect(await far.opened()).toBe(101);
    expect(await nearOpened).toBe(101);
    for (const used of [ours, theirs]) expect(await opened(plane, used).opened()).toBe(401);
    expect(near.ws.readyState).toBe(near.ws.OPEN);
  });

  test('is of no more use after ten seconds, and its place is free again', async () => {
    const clock = new ManualClock();
    const plane = await start({ clock, relay: { maxLinks: 1 } });
    const [caller, callee] = await Promise.all([joined(plane), joined(plane)]);
    const { ours, theirs } = await tickets(caller, callee);
    const alone = opened(plane, ours).opened();
    // Its request is with the server once a later one was answered.
    expect((await fetch(`http://127.0.0.1:${plane.port}/healthz`)).status).toBe(200);
    await expect.poll(() => opened(plane, ours).opened()).toBe(401);
    await pass(clock, TICKET_MS, [caller, callee]);
    expect(await alone).toBe(504);
    expect(await opened(plane, theirs).opened()).toBe(401);
    await tickets(caller, callee);
  });
});

test('the called end is no sign that a link will come to be: it comes whoever calls', async () => {
  const clock = new ManualClock();
  const plane = await start({ clock, relay: { maxLinks: 1 } });
  const [caller, callee, other] = [await joined(plane), await joined(plane), await joined(plane)];
  const { ours, theirs } = await tickets(caller, callee);
  const alone = opened(plane, theirs).opened();
  // Its request is with the server once a later one was answered.
  expect((await fetch(`http://127.0.0.1:${plane.port}/healthz`)).status).toBe(200);
  await expect.poll(() => opened(plane, theirs).opened()).toBe(401);
  await pass(clock, ON_THE_WAY_MS, [caller, callee, other]);
  await tickets(other, callee);
  expect(await alone).toBe(503);
  expect(await opened(plane, ours).opened()).toBe(401);
});

describe('whoever asks for a relayed link', () => {
  test('hears when the other is not here, or is itself', async () => {
    const plane = await start();
    const caller = await joined(plane);
    for (const peer of [newPeerId(), caller.id]) {
      caller.send({ type: 'relay', requestId: 3, peer });
      expect(await caller.says('refused')).toMatchObject({ requestId: 3, code: 'connect_failed' });
    }
  });

  test('hears when there is no room', async () => {
    const plane = await start({ relay: { maxLinks: 1 } });
    const [caller, callee] = await Promise.all([joined(plane), joined(plane)]);
    await tickets(caller, callee);
    caller.send({ type: 'relay', requestId: 4, peer: callee.id });
    expect(await caller.says('refused')).toMatchObject({ requestId: 4, code: 'busy' });
    expect(await metrics(plane)).toContain(refusals('busy'));
  });

  test('too often is told to slow down', async () => {
    const plane = await start();
    const caller = await joined(plane);
    for (let requestId = 1; requestId <= 31; requestId++) caller.send({ type: 'relay', requestId, peer: newPeerId() });
    const last = await caller.next(
      'a limit',
      (message): message is NonNullable<typeof message> => message?.type === 'refused' && message.requestId === 31,
    );
    expect(last).toMatchObject({ code: 'rate_limited' });
  });
});
