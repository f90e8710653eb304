import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import {
  boundedServer,
  cutHalfOpen,
  MAX_BUFFERED_BYTES,
  PING_MS,
  type BoundedServer,
  type BoundedSocket,
} from './bounded-socket.ts';
import { TestSocket } from '../testing/clients.ts';
import { ManualClock } from '@llmesh/core/testing/manual-clock';

let http: Server;
let server: BoundedServer;
beforeEach(async () => {
  http = createServer();
  server = boundedServer({ maxPayload: 1024 });
  http.on('upgrade', (request, socket, head) => {
    server.handleUpgrade(request, socket, head, (ws) => server.emit('connection', ws, request));
  });
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
});
afterEach(() => {
  for (const socket of server.clients) socket.terminate();
  http.close();
});

async function connected(autoPong = true): Promise<[TestSocket<string>, BoundedSocket]> {
  const accepted = new Promise<BoundedSocket>((resolve) => server.once('connection', resolve));
  const port = (http.address() as AddressInfo).port;
  const client = new TestSocket(`ws://127.0.0.1:${port}/`, (text) => text, { autoPong });
  await client.opened();
  return [client, await accepted];
}

test('a reader that does not read is cut off before it costs much memory', async () => {
  const [client, socket] = await connected();
  let slow = 0;
  socket.slow = () => slow++;
  client.ws.pause();
  const text = 'x'.repeat(65_536);
  let most = 0;
  for (let i = 0; i < 1000 && slow === 0; i++) {
    socket.send(text);
    most = Math.max(most, socket.bufferedAmount);
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(slow).toBe(1);
  expect(most).toBeLessThan(MAX_BUFFERED_BYTES + 2 * text.length);
  client.ws.resume();
  expect((await client.end()).code).toBe(1006);
});

test('what is not admitted reaches nobody', async () => {
  const [client, socket] = await connected();
  const heard: string[] = [];
  socket.admit = (data) => data.toString() !== 'no';
  socket.on('message', (data: Buffer) => heard.push(data.toString()));
  for (const text of ['yes', 'no', 'yes']) client.send(text);
  await client.settled();
  expect(heard).toEqual(['yes', 'yes']);
});

test('an end that answers no ping is cut off, one that does stays', async () => {
  const clock = new ManualClock();
  const stop = cutHalfOpen(server, clock);
  const [alive] = await connected();
  const [dead] = await connected(false);
  for (let i = 0; i < 3; i++) {
    clock.turn(PING_MS);
    await alive.settled();
  }
  expect((await dead.end()).code).toBe(1006);
  expect(alive.ws.readyState).toBe(alive.ws.OPEN);
  stop();
});
