import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { checkSocketFolder, makeSocketFolder, MAX_SOCKET_BYTES, shortSocket } from '../files/short-socket.ts';
import { readReport, watchReport } from './report-reader.ts';
import { serveReport, reportSocket } from './report-socket.ts';
import { WorkerReport, type Report } from './worker-report.ts';

const never = new AbortController().signal;
const status = {
  busySlots: 1,
  queued: 0,
  tokensPerSecond: 9.99,
  typicalTokensPerSecond: null,
  serving: [],
  audits: 0,
  auditing: false,
};
let folder: string;
let closers: { close: () => unknown }[];
beforeEach(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'llmesh-report-'));
  closers = [];
});
afterEach(async () => {
  for (const one of closers) await one.close();
  rmSync(folder, { recursive: true });
});

async function serve() {
  const report = new WorkerReport(new URL('http://mesh:7070'), 5);
  const server = await serveReport(folder, report);
  closers.push(server);
  return { report, server };
}

/** Somebody else listens there, and says `said`. */
async function standIn(said: string) {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.end(said);
  }).listen(reportSocket(folder));
  await once(server, 'listening');
  closers.push({ close: () => server.close() });
}

describe('how a worker stands', () => {
  it('is told at once and with every change, until it ends', async () => {
    const { report, server } = await serve();
    const heard: Report[] = [];
    const watched = (async () => {
      for await (const one of watchReport(folder, never)) heard.push(one);
    })();
    await expect.poll(() => heard.length).toBe(1);
    expect(heard[0]).toMatchObject({ startedAt: 5, mesh: 'http://mesh:7070', life: 'initializing', models: [] });
    report.turned({ why: 'hot', words: 'Too hot.' });
    report.status({ ...status, slots: 4, answers: 1, tokens: 10 });
    await expect.poll(() => heard.length).toBe(2);
    expect(heard[1]).toMatchObject({ pause: { why: 'hot' }, answers: 1, tokensPerSecond: 10 });
    await server.close();
    await watched;
    expect(await readReport(folder)).toBeNull();
  });

  it.skipIf(process.platform === 'win32')(
    'is for this account alone, and takes the place of what a crash left',
    async () => {
      writeFileSync(reportSocket(folder), '');
      await serve();
      expect(statSync(reportSocket(folder)).mode & 0o777).toBe(0o600);
      expect(await readReport(folder)).toMatchObject({ pid: process.pid });
    },
  );

  it('is nothing where no worker runs', async () => {
    expect(await readReport(folder)).toBeNull();
    expect(await readReport(path.join(folder, 'none'))).toBeNull();
  });

  it('is no longer watched when nobody wants to', async () => {
    await serve();
    const stop = new AbortController();
    let heard = 0;
    for await (const _ of watchReport(folder, stop.signal)) {
      heard += 1;
      stop.abort();
    }
    expect(heard).toBe(1);
  });

  it('drops a reader that does not read, and nobody else', async () => {
    const { report } = await serve();
    const [idler, reader] = [connect(reportSocket(folder)).pause(), connect(reportSocket(folder))];
    closers.push({ close: () => reader.destroy() }, { close: () => idler.destroy() });
    let lines = 0;
    reader.on('data', (bytes: Buffer) => (lines += bytes.includes(10) ? 1 : 0));
    await expect.poll(() => lines).toBe(1);
    // Each line is more than the system keeps for a reader.
    const words = 'w'.repeat(1 << 20);
    for (let told = 2; told < 5; told++) {
      report.turned({ why: 'hot', words });
      await expect.poll(() => lines).toBe(told);
    }
    idler.resume();
    await once(idler, 'close');
    expect(idler.bytesRead).toBeLessThan(2 << 20);
    expect(reader.destroyed).toBe(false);
  });

  it.each([
    ['what is not JSON', 'hello\n', 'version_mismatch'],
    ['what is of another form', '{"pid":"x"}\n', 'version_mismatch'],
  ])('is refused when a stand-in says %s', async (_, said, code) => {
    await standIn(said);
    await expect(readReport(folder)).rejects.toMatchObject({ code });
  });

  it('ends at a stand-in that never ends its line', async () => {
    await standIn('x'.repeat(1 << 20));
    await expect(readReport(folder)).rejects.toMatchObject({ code: 'version_mismatch' });
  });
});

describe.skipIf(process.platform === 'win32')('a data folder with a name too long for a socket', () => {
  it('has it where both ends find it, for this account alone', async () => {
    const long = path.join(folder, 'x'.repeat(100), 'y'.repeat(100));
    mkdirSync(long, { recursive: true });
    const file = reportSocket(long);
    expect(Buffer.byteLength(file)).toBeLessThanOrEqual(MAX_SOCKET_BYTES);
    expect(await readReport(long)).toBeNull();
    const server = await serveReport(long, new WorkerReport(new URL('http://mesh:7070'), 5));
    expect(await readReport(long)).toMatchObject({ mesh: 'http://mesh:7070' });
    expect(statSync(path.dirname(file)).mode & 0o777).toBe(0o700);
    await server.close();
    expect(await readReport(long)).toBeNull();
    expect(reportSocket(`${long}z`)).not.toBe(file);
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
