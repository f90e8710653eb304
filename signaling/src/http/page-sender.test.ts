/** Over real sockets: a reader that does not read is what the operating system makes of one. */
import { createServer, type Server } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import express from 'express';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ManualClock } from '@llmesh/core/testing/manual-clock';
import { MAX_UNREAD_BYTES, PageSender, READ_WITHIN_MS } from './page-sender.ts';
import { SharedPage } from './shared-page.ts';

const PAGE_BYTES = 8_388_608;
let server: Server;
let clock: ManualClock;
let sender: PageSender;
const refused: string[] = [];
const sockets: Socket[] = [];

beforeEach(async () => {
  clock = new ManualClock();
  sender = new PageSender(clock, (code) => refused.push(code));
  const page = new SharedPage(clock, () => 'x'.repeat(PAGE_BYTES));
  const app = express();
  app.get('/', (request, response, next) => {
    page.read().then((read) => sender.send(request, response, read), next);
  });
  server = createServer(app);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
  refused.length = 0;
  server.close();
});

const port = () => (server.address() as AddressInfo).port;

function deafReader(): void {
  const socket = connect(port(), '127.0.0.1');
  sockets.push(socket);
  socket.on('error', () => {}).pause();
  socket.write('GET / HTTP/1.1\r\nHost: mesh\r\n\r\n');
}

test('so much waits for readers that do not read, others are told to come again, and in the end the deaf are cut', async () => {
  const most = MAX_UNREAD_BYTES / PAGE_BYTES;
  for (let i = 0; i < most; i++) deafReader();
  await expect.poll(() => sender.unreadBytes).toBe(MAX_UNREAD_BYTES);
  const response = await fetch(`http://127.0.0.1:${port()}/`);
  expect([response.status, response.headers.get('retry-after')]).toEqual([503, '2']);
  expect(await response.json()).toMatchObject({ error: { code: 'busy' } });
  await clock.advance(READ_WITHIN_MS);
  await expect.poll(() => sender.unreadBytes).toBe(0);
  expect(refused).toEqual(['busy', ...Array.from({ length: most }, () => 'slow_reader')]);
  const again = await fetch(`http://127.0.0.1:${port()}/`);
  expect((await again.text()).length).toBe(PAGE_BYTES);
  await expect.poll(() => sender.unreadBytes).toBe(0);
});

test('a page is built once for those who ask together, and a large one not again for a second', async () => {
  let built = 0;
  const page = new SharedPage(clock, async () => {
    built++;
    return 'x'.repeat(100_000);
  });
  const all = await Promise.all(Array.from({ length: 50 }, () => page.read()));
  expect(new Set(all).size).toBe(1);
  await page.read();
  expect(built).toBe(1);
  clock.turn(1_000);
  await page.read();
  expect(built).toBe(2);
});

test('one that cannot be built is tried again', async () => {
  let tries = 0;
  const page = new SharedPage(clock, () => {
    if (tries++ === 0) throw new Error('not now');
    return 'now';
  });
  await expect(page.read()).rejects.toThrow('not now');
  expect((await page.read()).body.toString()).toBe('now');
});
