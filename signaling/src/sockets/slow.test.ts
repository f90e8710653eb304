/** Attackers that are slow: they hold on to what they have, and send next to nothing. Raw sockets on a real server. */
import { connect, type Socket } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { ManualClock } from '@llmesh/core/testing/manual-clock';
import { PING_MS } from './bounded-socket.ts';
import { startControlPlane, type ControlPlane, type ControlPlaneOptions } from '../server.ts';
import { MeshPeer, SignalPeer } from '../testing/clients.ts';

const planes: ControlPlane[] = [];
const sockets: Socket[] = [];
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
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

/** A connection on which `text` was sent, and what came of it. */
async function open(plane: ControlPlane, text: string) {
  const socket = connect({ port: plane.port, host: '127.0.0.1', allowHalfOpen: true });
  sockets.push(socket);
  let heard = '';
  let closed = false;
  socket.on('data', (data) => (heard += data.toString('latin1')));
  socket.on('error', () => {
    // A reset is one way of being cut off; `close` follows.
  });
  socket.on('close', () => (closed = true));
  await new Promise((resolve) => socket.once('connect', resolve));
  socket.write(text);
  return { socket, heard: () => heard, closed: () => closed };
}

const upgrade = (path: string) =>
  [
    `GET ${path} HTTP/1.1`,
    'Host: localhost',
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==',
    '\r\n',
  ].join('\r\n');

/** Sends a byte every so often until nobody takes it any more. */
function trickle(socket: Socket, byte: string): void {
  const timer = setInterval(() => socket.write(byte), 20);
  socket.on('close', () => clearInterval(timer));
}

describe('a slow request is cut off', () => {
  const http = { headersTimeout: 200, requestTimeout: 400, connectionsCheckingInterval: 50 };

  test.each([
    ['headers that never end', 'GET / HTTP/1.1\r\nHost: localhost\r\nX-A: '],
    ['an upgrade that never ends', 'GET /mesh HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nX-A: '],
    ['a body that never ends', 'POST /signal/peerjs/id HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\n'],
    ['a body of a page that takes none', 'GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\n'],
  ])('%s', async (_what, text) => {
    const plane = await start({ http });
    const { socket, closed } = await open(plane, text);
    trickle(socket, 'a');
    await expect.poll(closed, { timeout: 5_000 }).toBe(true);
    expect((await fetch(`http://127.0.0.1:${plane.port}/healthz`)).status).toBe(200);
  });
});

describe('a WebSocket on which a message never ends is cut off, because no pong can come meanwhile', () => {
  /** The head of a masked text frame of 60,000 bytes. */
  const frame = Buffer.from([0x81, 0xfe, 0xea, 0x60, 0, 0, 0, 0]);

  test.each(['/mesh', '/signal'])('%s', async (path) => {
    const clock = new ManualClock();
    const plane = await start({ clock });
    const bystander = new MeshPeer(plane.port);
    await bystander.join();
    const { signalToken: token } = await bystander.says('welcome');
    const query = `?key=peerjs&id=${bystander.id}&token=${token}`;
    const slow = await open(plane, upgrade(path === '/mesh' ? path : `${path}/peerjs${query}`));
    await expect.poll(slow.heard).toContain('101 Switching Protocols');
    slow.socket.write(frame);
    trickle(slow.socket, 'a');
    await bystander.settled();
    clock.turn(PING_MS);
    await bystander.settled();
    expect(slow.closed()).toBe(false);
    clock.turn(PING_MS);
    await expect.poll(slow.closed).toBe(true);
    expect(bystander.ws.readyState).toBe(bystander.ws.OPEN);
    if (path === '/signal') await new SignalPeer(plane.port, { id: bystander.id, token }).says('OPEN');
  });
});

test('a WebSocket that was refused is gone, whether or not the other end closes its half', async () => {
  const plane = await start({ maxPerAddress: 1 });
  const most = 8;
  for (let i = 0; i < 3 * most; i++) {
    const half = await open(plane, upgrade('/nowhere'));
    await expect.poll(half.heard).toContain('404 Not Found');
  }
});

test('one address has so many connections and no more, whatever it does with them', async () => {
  const plane = await start({ maxPerAddress: 2 });
  const all = await Promise.all(Array.from({ length: 40 }, () => open(plane, 'GET / HTTP/1.1\r\n')));
  await expect.poll(() => all.filter(({ closed }) => closed()).length).toBe(24);
  for (const { socket } of all) socket.destroy();
  const health = () => fetch(`http://127.0.0.1:${plane.port}/healthz`);
  await expect.poll(async () => health().then(({ status }) => status, String)).toBe(200);
  const metrics = await (await fetch(`http://127.0.0.1:${plane.port}/metrics`)).text();
  expect(metrics).toMatch(/llmesh_refused_total\{plane="http",code="rate_limited"\} \d+/);
});

test('behind a proxy, whose address is that of everybody, connections are not counted so', async () => {
  const plane = await start({ maxPerAddress: 2, trustProxy: true });
  const all = await Promise.all(
    Array.from({ length: 40 }, () => open(plane, 'GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n')),
  );
  await expect.poll(() => all.filter(({ heard }) => heard().includes('200 OK')).length).toBe(40);
});
