/** A witness on this computer: asked over HTTP, killed, asked to sign a second past. */
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { realClock } from '@llmesh/core/base/clock';
import { MAX_REQUEST_BYTES } from '@llmesh/log/witness/add-checkpoint';
import type { WitnessAnswer, Witnessed } from '@llmesh/log/witness/witness';
import { WitnessFile } from './witness-file.ts';
import { serveWitness, type WitnessServer } from './witness-server.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'llmesh-witness-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const witnessed = (size: number, byte = 1): Witnessed => ({
  ...{
    size,
    root: new Uint8Array(32).fill(byte),
    timeS: 1_800_000_000 + size,
    note: `log\n${size}\nroot\n\n— log c2ln\n`,
  },
});

describe('what a witness has signed', () => {
  it('is there after a restart, for its owner only', async () => {
    const before = await WitnessFile.open(folder);
    expect(await before.get('log')).toBeNull();
    expect(await before.put('log', null, witnessed(1))).toBe(true);
    expect(await before.put('other', null, witnessed(5))).toBe(true);
    expect(await before.put('log', witnessed(1), witnessed(2))).toBe(true);
    const after = await WitnessFile.open(folder);
    expect([await after.get('log'), await after.get('other')]).toEqual([witnessed(2), witnessed(5)]);
    if (process.platform !== 'win32') expect(statSync(path.join(folder, 'witnessed.json')).mode & 0o077).toBe(0);
  });

  it('is never two pasts: of several that continue the same one, one is signed', async () => {
    const file = await WitnessFile.open(folder);
    const puts = [1, 2, 3].map((byte) => file.put('log', null, witnessed(7, byte)));
    expect((await Promise.all(puts)).filter(Boolean)).toHaveLength(1);
    expect(await file.put('log', witnessed(7, 2), witnessed(8))).toBe(false);
    expect(await (await WitnessFile.open(folder)).get('log')).toEqual(witnessed(7, 1));
  });

  it('is not signed when it cannot be written down', async () => {
    const file = await WitnessFile.open(path.join(folder, 'gone'));
    await expect(file.put('log', null, witnessed(1))).rejects.toThrow('ENOENT');
    expect(await file.get('log')).toBeNull();
  });

  it.each(['', '{', '{"log":{"size":1}}', '{"log":{"size":1,"root":"AA==","timeS":1,"note":""}}'])(
    'is not forgotten: a damaged file is no new beginning: %s',
    async (written) => {
      writeFileSync(path.join(folder, 'witnessed.json'), written);
      await expect(WitnessFile.open(folder)).rejects.toMatchObject({ code: 'log_broken' });
      expect(readFileSync(path.join(folder, 'witnessed.json'), 'utf8')).toBe(written);
    },
  );
});

describe('a witness as logs ask it', () => {
  let server: WitnessServer;
  let answer: () => Promise<WitnessAnswer>;
  const asked: string[] = [];
  const failures: unknown[] = [];
  beforeEach(async () => {
    asked.length = failures.length = 0;
    answer = () => Promise.resolve({ status: 409, type: 'text/x.tlog.size', body: '7\n', fork: null });
    server = await serveWitness({
      ...{ port: 0, host: '127.0.0.1', vkey: 'w+key', clock: realClock },
      add: (body) => {
        asked.push(Buffer.from(body).toString());
        return answer();
      },
      failed: (error) => failures.push(error),
    });
  });
  afterEach(() => server.close());
  const post = (body: string, at = '/add-checkpoint') => fetch(new URL(at, server.url), { method: 'POST', body });

  it('answers as the witness does, and tells its key', async () => {
    const response = await post('old 0\n');
    expect([response.status, response.headers.get('content-type'), await response.text()]).toEqual([
      409,
      'text/x.tlog.size',
      '7\n',
    ]);
    expect(asked).toEqual(['old 0\n']);
    expect(await (await fetch(server.url)).text()).toBe('w+key\n');
  });

  it('refuses what is too long, elsewhere, or otherwise asked', async () => {
    expect((await post('x'.repeat(MAX_REQUEST_BYTES + 1))).status).toBe(413);
    expect((await post('', '/elsewhere')).status).toBe(404);
    expect((await fetch(new URL('/add-checkpoint', server.url))).status).toBe(405);
    expect(asked).toEqual([]);
  });

  it('slows down whoever asks too fast, and fails in its own name', async () => {
    answer = () => Promise.reject(new Error('ENOSPC'));
    expect((await post('')).status).toBe(500);
    expect(failures).toHaveLength(1);
    const statuses = new Set<number>();
    for (let i = 0; i < 5; i++) {
      const some = await Promise.all(Array.from({ length: 30 }, async () => (await post('')).status));
      for (const status of some) statuses.add(status);
    }
    expect(statuses).toEqual(new Set([500, 429]));
  });
});
