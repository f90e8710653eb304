import { spawnSync } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { afterEach, expect, test } from 'vitest';
import { programArgs } from '../../../scripts/programs.mjs';
import { newPeerId } from '@llmesh/core/base/ids';
import { ManualClock } from '@llmesh/core/testing/manual-clock';
import { PING_MS } from '../sockets/bounded-socket.ts';
import { CREDENTIALS_MS, IceServers, RENEW_MS } from './ice-servers.ts';
import { startControlPlane, type ControlPlane } from '../server.ts';
import { MeshPeer } from '../testing/clients.ts';

const STUN = { urls: 'stun:stun.example.org' };
const turn = { secret: 'north', urls: ['turn:turn.example.org:3478', 'turns:turn.example.org:5349'] };

let plane: ControlPlane | null = null;
afterEach(() => plane?.close());

test('TURN credentials are those of draft-uberti-behave-turn-rest-00: time and name, and their HMAC-SHA1', () => {
  const peer = newPeerId();
  const [stun, server] = new IceServers([STUN], turn, () => 1_700_000_000_500).of(peer);
  expect(stun).toEqual(STUN);
  const username = `${1_700_000_000 + CREDENTIALS_MS / 1000}:${peer}`;
  expect(server).toEqual({
    urls: turn.urls,
    username,
    credential: createHmac('sha1', 'north').update(username).digest('base64'),
  });
  expect(new IceServers([STUN], null, () => 0).of(peer)).toEqual([STUN]);
});

test('each peer gets its own with the welcome, and new ones before they run out', async () => {
  const clock = new ManualClock();
  const now = () => 1_700_000_000_000 + clock.now();
  const options = { port: 0, host: '127.0.0.1', webFolder: '.', joinWorkBits: 0, clock, now, turn };
  plane = await startControlPlane(options);
  const peer = new MeshPeer(plane.port);
  await peer.join();
  const { iceServers } = await peer.says('welcome');
  expect(iceServers).toEqual(new IceServers([], turn, now).of(peer.id));
  for (let ms = PING_MS; ms < RENEW_MS; ms += PING_MS) {
    clock.turn(PING_MS);
    await peer.settled();
  }
  const renewed = new IceServers([], turn, () => now() + PING_MS).of(peer.id);
  clock.turn(PING_MS);
  expect((await peer.says('ice')).iceServers).toEqual(renewed);
  expect(renewed).not.toEqual(iceServers);
});

test.each([
  ['without a server', { TURN_SECRET: 'do not show me' }],
  ['without a secret', { TURN_URLS: 'turn:turn.example.org' }],
  ['with a server of another kind', { TURN_SECRET: 'do not show me', TURN_URLS: 'https://turn.example.org' }],
])('a TURN setting %s is said in plain words, and the secret is not', (_what, env) => {
  const args = [...programArgs('signaling/src/main.ts'), '--port', '0'];
  const { status, stderr } = spawnSync(process.execPath, args, { env: { ...process.env, ...env }, encoding: 'utf8' });
  expect(status).toBe(1);
  expect(stderr).toContain('TURN_SECRET and TURN_URLS go together');
  expect(stderr).not.toContain('do not show me');
});
