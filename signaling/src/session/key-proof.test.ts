/** Attackers on `/mesh`: nobody gets in under an id whose key is not theirs. Real sockets, real keys. */
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { toBase32 } from '@llmesh/core/base/base32';
import { peerIdOf } from '@llmesh/core/identity/identity';
import { newChallenge, proveKey } from '@llmesh/core/identity/key-proof';
import type { Proof } from '@llmesh/core/wire/control-protocol';
import { CLOSE, PING_MS } from '../sockets/bounded-socket.ts';
import { MAX_BAD_MESSAGES, PROOF_TIMEOUT_MS } from './mesh-session.ts';
import { PAID_FOR_MS } from './join-price.ts';
import { startControlPlane, type ControlPlane, type ControlPlaneOptions } from '../server.ts';
import { advertised, MeshPeer, newIdentity, TINY } from '../testing/clients.ts';
import { ManualClock } from '@llmesh/core/testing/manual-clock';

const never = new AbortController().signal;
const ADVERT = { type: 'advert', models: [advertised()], slots: 1, certificate: null };

const proxied = { Host: 'inside', 'X-Forwarded-Host': 'fake.example, mesh.example' };
const named = { hosts: ['Mesh.example'] };
const inside = { ...named, trustProxy: true };

const planes: ControlPlane[] = [];
afterEach(async () => {
  await Promise.all(planes.splice(0).map((plane) => plane.close()));
});

async function start(options: Partial<ControlPlaneOptions> = {}): Promise<ControlPlane> {
  const plane = await startControlPlane({
    port: 0,
    host: '127.0.0.1',
    webFolder: 'nowhere',
    joinWorkBits: 0,
    ...options,
  });
  planes.push(plane);
  return plane;
}

/** A provider that is in, and a socket of somebody who is not. */
async function setUp(options: Partial<ControlPlaneOptions> = {}) {
  const plane = await start(options);
  const owner = new MeshPeer(plane.port);
  await owner.join();
  await owner.says('welcome');
  owner.send(ADVERT);
  const attacker = new MeshPeer(plane.port);
  await attacker.opened();
  return { plane, owner, attacker };
}

/** The owner is still in, still offers, and the attacker does not count. */
async function unharmed(plane: ControlPlane, owner: MeshPeer): Promise<void> {
  await owner.settled();
  const stats = await (await fetch(`http://127.0.0.1:${plane.port}/api/stats`)).json();
  expect(stats).toMatchObject({ peers: 1, providers: 1 });
  expect((await owner.match(TINY)).candidates).toEqual([]);
}

async function isTurnedAway(attacker: MeshPeer): Promise<void> {
  expect(await attacker.says('refused')).toMatchObject({ code: 'control_refused' });
  expect((await attacker.end()).code).toBe(CLOSE.notProven);
}

describe('a stolen id', () => {
  test('with a key of the thief', async () => {
    const { plane, owner, attacker } = await setUp();
    attacker.hello({ peerId: owner.id });
    await isTurnedAway(attacker);
    await unharmed(plane, owner);
  });

  test("with the owner's public key, and a proof by the thief", async () => {
    const { plane, owner, attacker } = await setUp();
    attacker.hello({ peerId: owner.id, key: toBase32(owner.identity.publicKey) });
    await attacker.prove(await attacker.says('challenge'));
    await isTurnedAway(attacker);
    await unharmed(plane, owner);
  });

  test("with a proof of the owner's that was overheard", async () => {
    const { plane, owner } = await setUp();
    const again = new MeshPeer(plane.port, owner.identity);
    await again.opened();
    again.hello();
    const overheard: Proof = await proveKey(
      owner.identity,
      await again.says('challenge'),
      `127.0.0.1:${plane.port}`,
      never,
    );
    const thief = new MeshPeer(plane.port, owner.identity);
    await thief.opened();
    thief.hello();
    await thief.says('challenge');
    thief.send(overheard);
    await isTurnedAway(thief);
    await unharmed(plane, owner);
    // Where it was asked for it is right, once.
    again.send(overheard);
    await again.says('welcome');
    again.send(overheard);
    expect(await again.says('refused')).toMatchObject({ code: 'bad_message', message: 'No proof was asked for.' });
  });

  test('with a proof for a nonce of its own choice', async () => {
    const { plane, owner } = await setUp();
    const thief = new MeshPeer(plane.port, owner.identity);
    await thief.opened();
    thief.hello();
    await thief.says('challenge');
    await thief.prove(newChallenge(0));
    await isTurnedAway(thief);
    await unharmed(plane, owner);
  });

  test.each([
    ['no base32', '!'.repeat(52)],
    ['too short', 'a'.repeat(50)],
    ['too long', 'a'.repeat(64)],
    ['another encoding of 32 bytes', 'b'.repeat(52)],
    ['another one', 'a'.repeat(52)],
  ])('with a key that is none: %s', async (_what, key) => {
    const { plane, owner, attacker } = await setUp();
    attacker.hello({ peerId: owner.id, key });
    await isTurnedAway(attacker);
    await unharmed(plane, owner);
  });
});

test('a key of small order, for which signatures fit many messages', async () => {
  const { plane, owner, attacker } = await setUp();
  const publicKey = new Uint8Array(32);
  publicKey[0] = 1;
  attacker.hello({ peerId: peerIdOf(publicKey), key: toBase32(publicKey) });
  await attacker.says('challenge');
  // R = identity, s = 0: what RFC 8032 leaves open to verifiers fits every message.
  const signature = new Uint8Array(64);
  signature[0] = 1;
  attacker.send({ type: 'proof', signature: toBase32(signature), work: 0 });
  await isTurnedAway(attacker);
  await unharmed(plane, owner);
});

describe('another mesh that passes the challenge on to its own visitor', () => {
  /** Whatever the visitor says goes to the mesh, and whatever that says to the visitor. */
  async function relay(port: number, headers: (own: string) => Record<string, string>): Promise<WebSocketServer> {
    const evil = new WebSocketServer({ port: 0, host: '127.0.0.1' });
    evil.on('connection', (visitor, { headers: { host = '' } }) => {
      const onward = new WebSocket(`ws://127.0.0.1:${port}/mesh`, { headers: headers(host) });
      const waiting: string[] = [];
      visitor.on('message', (data: Buffer) => {
        if (onward.readyState === WebSocket.OPEN) onward.send(data.toString());
        else waiting.push(data.toString());
      });
      onward.on('open', () => waiting.forEach((text) => onward.send(text)));
      onward.on('message', (data: Buffer) => visitor.send(data.toString()));
      onward.on('close', () => visitor.terminate());
      // Asked by a name that it does not know, the mesh opens no socket at all.
      onward.on('error', () => {});
    });
    await new Promise((resolve) => evil.once('listening', resolve));
    return evil;
  }

  test.each<[string, (own: string) => Record<string, string>]>([
    ['and says nothing of itself', () => ({})],
    ['and says its own name to a mesh that knows its own', (own: string) => ({ Host: own })],
    ['and says that a proxy was asked', (own: string) => ({ Host: own, 'X-Forwarded-Host': own })],
    ['and says the name of the mesh', () => ({ Host: 'mesh.example' })],
  ])('gets nowhere: %s', async (_what, relayed) => {
    const plane = await start({ hosts: ['mesh.example'], trustProxy: true });
    const evil = await relay(plane.port, relayed);
    const headers = { Host: 'evil.example' };
    try {
      const visitor = new MeshPeer((evil.address() as AddressInfo).port, newIdentity(), { headers }, 'evil.example');
      await visitor.opened();
      visitor.hello();
      await Promise.race([visitor.says('challenge').then((challenge) => visitor.prove(challenge)), visitor.end()]);
      await visitor.end();
      const stats = await (await fetch(`http://127.0.0.1:${plane.port}/api/stats`)).json();
      expect(stats).toMatchObject({ peers: 0 });
    } finally {
      evil.close();
    }
  });

  test.each<[string, Partial<ControlPlaneOptions>, Record<string, string>, string, boolean]>([
    ['the name that was asked', {}, {}, 'mesh.localhost', true],
    ['in capitals, with the port that needs no saying', {}, { Host: 'MESH.localhost' }, 'mesh.localhost:443', true],
    ['another name than was asked', {}, {}, 'evil.example', false],
    ['a name behind a proxy that says it', { trustProxy: true }, proxied, 'mesh.example', true],
    ['a name that a stranger says', {}, { ...proxied, Host: 'localhost' }, 'mesh.example', false],
    ['a name that the mesh knows, behind a proxy that does not', inside, { Host: 'inside' }, 'mesh.example', true],
    ['this computer, at a mesh that knows its names', named, { Host: 'localhost:7' }, 'localhost:7', true],
  ])('a proof for %s', async (_what, options, headers, signed, welcome) => {
    const plane = await start(options);
    const peer = new MeshPeer(plane.port, newIdentity(), { headers: { Host: 'mesh.localhost', ...headers } });
    await peer.opened();
    peer.hello();
    peer.send(await proveKey(peer.identity, await peer.says('challenge'), signed, never));
    if (welcome) await peer.says('welcome');
    else await isTurnedAway(peer);
  });
});

describe('nothing goes before the proof', () => {
  test.each([
    ['an advert', ADVERT],
    ['a heartbeat', { type: 'heartbeat', busySlots: 0, queued: 0, units: 0 }],
    ['a match', { type: 'match', requestId: 1, model: TINY, maxUnits: 1, exclude: [], only: null, prefer: null }],
  ])('%s', async (_what, message) => {
    const { plane, owner, attacker } = await setUp();
    attacker.hello();
    await attacker.says('challenge');
    attacker.send(message);
    expect(await attacker.says('refused')).toMatchObject({ message: 'Prove your key first.' });
    await unharmed(plane, owner);
  });

  test('a second hello, for another challenge', async () => {
    const { plane, owner, attacker } = await setUp();
    for (let i = 0; i <= MAX_BAD_MESSAGES; i++) attacker.hello();
    for (let i = 0; i < MAX_BAD_MESSAGES; i++)
      expect(await attacker.says('refused')).toMatchObject({ code: 'bad_message', message: 'One hello is enough.' });
    expect((await attacker.end()).code).toBe(CLOSE.badMessage);
    await unharmed(plane, owner);
  });

  test('a proof without a hello', async () => {
    const { attacker } = await setUp();
    await attacker.prove(newChallenge(0));
    expect(await attacker.says('refused')).toMatchObject({ code: 'bad_message' });
  });

  test('a proof that never comes', async () => {
    const clock = new ManualClock();
    const plane = await start({ clock });
    const peer = new MeshPeer(plane.port);
    await peer.opened();
    peer.hello();
    await peer.says('challenge');
    for (let ms = 0; ms < PROOF_TIMEOUT_MS; ms += PING_MS) {
      await peer.settled();
      clock.turn(PING_MS);
    }
    expect((await peer.end()).code).toBe(CLOSE.helloTimeout);
  });

  test('a program from before there were keys is told to update', async () => {
    const { attacker } = await setUp();
    attacker.hello({ key: null, agent: 'browser' });
    expect(await attacker.says('refused')).toMatchObject({
      code: 'version_mismatch',
      message: 'This page is from an older version. Reload it.',
    });
    expect((await attacker.end()).code).toBe(CLOSE.versionMismatch);
  });
});

describe('the work for joining', () => {
  const BITS = 8;

  test('is asked of an identity once, and again after hours', async () => {
    const clock = new ManualClock();
    const plane = await start({ clock, joinWorkBits: BITS });
    const identity = newIdentity();
    const asked: number[] = [];
    const visit = async () => {
      const peer = new MeshPeer(plane.port, identity);
      await peer.opened();
      peer.hello();
      const challenge = await peer.says('challenge');
      asked.push(challenge.workBits);
      await peer.prove(challenge);
      await peer.says('welcome');
      peer.ws.terminate();
      await peer.end();
    };
    await visit();
    await visit();
    clock.turn(PAID_FOR_MS);
    await visit();
    expect(asked).toEqual([BITS, 0, BITS]);
  });

  test('that was not done, or was done for another challenge, keeps an identity out, and is not remembered', async () => {
    // 24 bits: no number that the test could guess.
    const plane = await start({ joinWorkBits: 24 });
    const identity = newIdentity();
    for (const elsewhere of [0, 4]) {
      const peer = new MeshPeer(plane.port, identity);
      await peer.opened();
      peer.hello();
      const challenge = await peer.says('challenge');
      expect(challenge.workBits).toBe(24);
      const host = `127.0.0.1:${plane.port}`;
      const { work } = await proveKey(identity, newChallenge(elsewhere), host, never);
      peer.send({ ...(await proveKey(identity, { ...challenge, workBits: 0 }, host, never)), work });
      await isTurnedAway(peer);
    }
  });
});

test('a flood of new connections from one address is turned away before it costs a signature', async () => {
  const plane = await start({ clock: new ManualClock(), maxPerAddress: 10_000 });
  const owner = new MeshPeer(plane.port);
  await owner.join();
  await owner.says('welcome');
  owner.send(ADVERT);
  const statuses: number[] = [];
  for (let round = 0; round < 13; round++) {
    const peers = Array.from({ length: 50 }, () => new MeshPeer(plane.port, owner.identity));
    statuses.push(...(await Promise.all(peers.map((peer) => peer.opened()))));
    for (const peer of peers) peer.ws.terminate();
  }
  expect(statuses.filter((status) => status === 101)).toHaveLength(599);
  expect(statuses.filter((status) => status === 429)).toHaveLength(51);
  await unharmed(plane, owner);
});
