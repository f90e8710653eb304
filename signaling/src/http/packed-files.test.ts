/** The packed files of the built page, over real HTTP. */
import { mkdtempSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import type { IncomingHttpHeaders } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { brotliCompressSync, brotliDecompressSync, gunzipSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startControlPlane, type ControlPlane } from '../server.ts';

const SCRIPT = 'export const greeting = "Hello";\n'.repeat(50);
const web = mkdtempSync(join(tmpdir(), 'llmesh-packed-'));
const secret = `${web}-secret.js`;
let plane: ControlPlane;

beforeAll(async () => {
  mkdirSync(join(web, 'assets'));
  writeFileSync(join(web, 'index.html'), '<!doctype html>');
  writeFileSync(join(web, 'assets', 'page.js'), SCRIPT);
  writeFileSync(join(web, 'assets', 'page.js.br'), brotliCompressSync(SCRIPT));
  writeFileSync(join(web, 'assets', 'page.js.gz'), gzipSync(SCRIPT));
  writeFileSync(join(web, 'assets', 'small.js'), 'small');
  writeFileSync(`${secret}.br`, 'secret');
  plane = await startControlPlane({ port: 0, host: '127.0.0.1', webFolder: web, joinWorkBits: 0 });
});
afterAll(async () => {
  await plane.close();
  rmSync(web, { recursive: true });
  rmSync(`${secret}.br`);
});

/** As it is on the line: `fetch` unpacks. */
function get(path: string, accepts: string | null, more: Record<string, string> = {}) {
  const headers = { ...(accepts !== null && { 'Accept-Encoding': accepts }), ...more };
  return new Promise<{ status: number; headers: IncomingHttpHeaders; body: Buffer }>((resolve, reject) => {
    const asked = request({ port: plane.port, host: '127.0.0.1', path, headers }, (response) => {
      const parts: Buffer[] = [];
      response.on('data', (part: Buffer) => parts.push(part));
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(parts) }),
      );
    });
    asked.on('error', reject).end();
  });
}

it.each([
  ['gzip, deflate, br, zstd', 'br', brotliDecompressSync],
  ['gzip, deflate', 'gzip', gunzipSync],
  ['br;q=0, gzip', 'gzip', gunzipSync],
  ['identity', undefined, (body: Buffer) => body],
  [null, undefined, (body: Buffer) => body],
])('who takes %s gets it as %s', async (accepts, packing, unpack) => {
  const { status, headers, body } = await get('/assets/page.js', accepts);
  expect(status).toBe(200);
  expect(headers['content-encoding']).toBe(packing);
  expect(headers['content-type']).toMatch(/javascript/);
  expect(headers['cache-control']).toMatch(/immutable/);
  expect(headers.vary).toMatch(/Accept-Encoding/);
  expect(unpack(body).toString()).toBe(SCRIPT);
});

it('what is not packed comes as it is, and what is not there is missed', async () => {
  const small = await get('/assets/small.js', 'br');
  expect(small.headers['content-encoding']).toBeUndefined();
  expect(small.body.toString()).toBe('small');
  const missing = await get('/assets/gone.js', 'br');
  expect(missing.status).toBe(404);
  expect(missing.headers['content-encoding']).toBeUndefined();
});

it('two ways of packing are two versions, and each can be asked for again, or in part', async () => {
  const [br, gzip] = [await get('/assets/page.js', 'br'), await get('/assets/page.js', 'gzip')];
  expect(br.headers.etag).not.toBe(gzip.headers.etag);
  const known = await get('/assets/page.js', 'br', { 'If-None-Match': br.headers.etag! });
  expect(known.status).toBe(304);
  const part = await get('/assets/page.js', 'br', { Range: 'bytes=2-5' });
  expect(part.status).toBe(206);
  expect(part.body).toEqual(br.body.subarray(2, 6));
});

it.each(['/assets/..%2f..%2f', '/..%5c', '/assets/%2e%2e/%2e%2e/', '/assets/page.js%00/../'])(
  'leads out of the folder by no trick: %s',
  async (trick) => {
    const { body, status } = await get(`${trick}${secret.split('/').at(-1)}`, 'br');
    expect(body.toString()).not.toContain('secret');
    expect(status).toBeGreaterThanOrEqual(400);
  },
);
