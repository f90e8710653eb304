import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { checkSocketFolder, makeSocketFolder, MAX_SOCKET_BYTES, shortSocket } from '../files/short-socket.ts';
import { readStanding, watchStanding } from './standing-reader.ts';
import { serveStanding, standingSocket } from './standing-socket.ts';
import { WorkerStanding, type Standing } from './worker-standing.ts';

const never = new AbortController().signal;
const status = { busySlots: 1, queued: 0, tokensPerSecond: 9.99, typicalTokensPerSecond: null, serving: [] };
let folder: string;
let closers: { close: () => unknown }[];
beforeEach(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'llmesh-standing-'));
  closers = [];
});
afterEach(async () => {
  for (const one of closers) await one.close();
  rmSync(folder, { recursive: true });
});

async function serve() {
  const standing = new WorkerStanding(new URL('http://mesh:7070'), 5);
  const server = await serveStanding(folder, standing);
  closers.push(server);
  return { standing, server };
}

/** Somebody else listens there, and says `said`. */
async function standIn(said: string) {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.end(said);
  }).listen(standingSocket(folder));
  await once(server, 'listening');
  closers.push({ close: () => server.close() });
}

describe('how a worker stands', () => {
  it('is told at once and with every change, until it ends', async () => {
    const { standing, server } = await serve();
    const heard: Standing[] = [];
    const watched = (async () => {
      for await (const one of watchStanding(folder, never)) heard.push(one);
    })();
    await expect.poll(() => heard.length).toBe(1);
    expect(heard[0]).toMatchObject({ startedAt: 5, mesh: 'http://mesh:7070', life: 'initializing', models: [] });
    standing.turned({ why: 'hot', words: 'Too hot.' });
    standing.status({ ...status, slots: 4, answers: 1, tokens: 10 });
    await expect.poll(() => heard.length).toBe(2);
    expect(heard[1]).toMatchObject({ pause: { why: 'hot' }, answers: 1, tokensPerSecond: 10 });
    await server.close();
    await watched;
    expect(await readStanding(folder)).toBeNull();
  });

  it.skipIf(process.platform === 'win32')(
    'is for this account alone, and takes the place of what a crash left',
    async () => {
      writeFileSync(standingSocket(folder), '');
      await serve();
      expect(statSync(standingSocket(folder)).mode & 0o777).toBe(0o600);
      expect(await readStanding(folder)).toMatchObject({ pid: process.pid });
    },
  );

  it('is nothing where no worker runs', async () => {
    expect(await readStanding(folder)).toBeNull();
    expect(await readStanding(path.join(folder, 'none'))).toBeNull();
  });

  it('is no longer watched when nobody wants to', async () => {
    await serve();
    const stop = new AbortController();
    let heard = 0;
    for await (const _ of watchStanding(folder, stop.signal)) {
      heard += 1;
      stop.abort();
    }
    expect(heard).toBe(1);
  });

  it('lets go of whoever does not read, and of nobody else', async () => {
    const { standing } = await serve();
    const [idler, reader] = [connect(standingSocket(folder)).pause(), connect(standingSocket(folder))];
    closers.push({ close: () => reader.destroy() }, { close: () => idler.destroy() });
    let lines = 0;
    reader.on('data', (bytes: Buffer) => (lines += bytes.includes(10) ? 1 : 0));
    await expect.poll(() => lines).toBe(1);
    // Each more than the system keeps for a reader.
    const words = 'w'.repeat(1 << 20);
    for (let told = 2; told < 5; told++) {
      standing.turned({ why: 'hot', words });
      await expect.poll(() => lines).toBe(told);
    }
    idler.resume();
    await once(idler, 'close');
    expect(idler.bytesRead).toBeLessThan(2 << 20);
    expect(reader.destroyed).toBe(false);
  });

  it.each([
    ['what is no JSON', 'hello\n', 'version_mismatch'],
    ['what is of another form', '{"pid":"x"}\n', 'version_mismatch'],
  ])('is refused when a stand-in says %s', async (_, said, code) => {
    await standIn(said);
    await expect(readStanding(folder)).rejects.toMatchObject({ code });
  });

  it('ends at a stand-in that never ends its line', async () => {
    await standIn('x'.repeat(1 << 20));
    await expect(readStanding(folder)).rejects.toMatchObject({ code: 'version_mismatch' });
  });
});

describe.skipIf(process.platform === 'win32')('a data folder with a name too long for a socket', () => {
  it('has it where both ends find it, for this account alone', async () => {
    const long = path.join(folder, 'x'.repeat(100), 'y'.repeat(100));
    mkdirSync(long, { recursive: true });
    const file = standingSocket(long);
    expect(Buffer.byteLength(file)).toBeLessThanOrEqual(MAX_SOCKET_BYTES);
    expect(await readStanding(long)).toBeNull();
    const server = await serveStanding(long, new WorkerStanding(new URL('http://mesh:7070'), 5));
    expect(await readStanding(long)).toMatchObject({ mesh: 'http://mesh:7070' });
    expect(statSync(path.dirname(file)).mode & 0o777).toBe(0o700);
    await server.close();
    expect(await readStanding(long)).toBeNull();
    expect(standingSocket(`${long}z`)).not.toBe(file);
  });

  it('has none where another may have put something in its place', () => {
    const runtime = path.join(folder, 'run');
    const file = shortSocket(`/${'x'.repeat(200)}`, { XDG_RUNTIME_DIR: runtime });
    expect(() => checkSocketFolder(file)).toThrow();
    mkdirSync(path.dirname(file), { recursive: true, mode: 0o755 });
    expect(() => makeSocketFolder(file)).toThrow(expect.objectContaining({ code: 'identity_unusable' }));
    rmSync(runtime, { recursive: true });
    makeSocketFolder(file);
    expect(() => checkSocketFolder(file)).not.toThrow();
  });
});
