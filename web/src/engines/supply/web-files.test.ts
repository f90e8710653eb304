/** Against a real server on this computer: what hubs and mirrors do right and wrong. */
// oxlint-disable-next-line no-restricted-imports -- A server is what these tests are about.
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { CatalogueModel } from '@llmesh/core/policy/catalogue';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { webFiles } from './web-files.ts';

const never = new AbortController().signal;
const BYTES = Uint8Array.from({ length: 1_000 }, (_, i) => i & 255);
const MODEL = { id: 'm', format: 'gguf', source: 'hf:u/m/f.gguf', sha256: 'ab'.repeat(32), content: 'cd'.repeat(32) };
const closes: (() => void)[] = [];
// Node 20 has none.
beforeEach(() => void vi.stubGlobal('navigator', { onLine: true }));
afterEach(() => {
  vi.unstubAllGlobals();
  for (const close of closes.splice(0)) close();
});

async function source(answer: RequestListener) {
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closes.push(() => server.close());
  const mirror = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return webFiles(MODEL as unknown as CatalogueModel, { mirror, hadGpu: false }, mirror);
}

const read = (web: Awaited<ReturnType<typeof source>>) => web.read(0, 10, 20, never, 'model.gguf');

it('reads the part of a file that is asked for', async () => {
  const web = await source((request, response) => {
    expect(request.headers.range).toBe('bytes=10-19');
    expect(request.url).toBe('/u/m/resolve/main/f.gguf');
    response.writeHead(206).end(BYTES.subarray(10, 20));
  });
  expect([...(await read(web))]).toEqual([...BYTES.subarray(10, 20)]);
});

it.each([
  ['sends no parts', 'unsupported', 200, BYTES],
  ['has a shorter file', 'model_integrity', 416, null],
  ['sends more than was asked for', 'model_integrity', 206, BYTES.subarray(10, 21)],
  ['sends less than was asked for', 'model_download_failed', 206, BYTES.subarray(10, 19)],
  ['does not have it', 'model_download_failed', 404, null],
] as const)('says so when a server %s', async (_, code, status, body) => {
  const web = await source((__, response) => void response.writeHead(status).end(body));
  await expect(read(web)).rejects.toMatchObject({ code });
});

it('gives up when nobody waits any more', async () => {
  const web = await source((_, response) => void response.writeHead(206).write(BYTES.subarray(10, 11)));
  const abort = new AbortController();
  const reading = web.read(0, 10, 20, abort.signal, 'model.gguf');
  const rejects = expect(reading).rejects.toMatchObject({ code: 'cancelled' });
  abort.abort();
  await rejects;
});

it('finds manifests and the hashes of pieces beside the files of a mirror, and says when there are none', async () => {
  const web = await source((request, response) => {
    if (request.url === `/llmesh-manifests/${MODEL.content}.0`) response.end(BYTES);
    else response.writeHead(404).end();
  });
  expect(await web.manifest?.(never)).toBeNull();
  expect((await web.layer?.(0, never, 'model.gguf'))?.byteLength).toBe(1_000);
});
