/** Programs of a company's computer: everything that leaves it goes through the company's proxy. */
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { WebSocketServer } from 'ws';
import { Running, startControlPlane } from '../testing/process.ts';
import { WebProxy } from '../testing/web-proxy.ts';

const tiny = readFileSync(fileURLToPath(new URL('../../../models/tiny/llmesh-tiny.gguf', import.meta.url)));
const folder = mkdtempSync(path.join(os.tmpdir(), 'llmesh-proxied-'));
const running: Running[] = [];
let proxy: WebProxy;
let models: Server;
beforeAll(async () => {
  proxy = await new WebProxy().listen();
  const [key, cert] = ['key.pem', 'cert.pem'].map((name) => path.join(folder, name)) as [string, string];
  const kind = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
  const names = ['-subj', '/CN=models.example', '-addext', 'subjectAltName=DNS:models.example'];
  execFileSync('openssl', ['req', ...kind, '-keyout', key, '-out', cert, ...names], { stdio: 'ignore' });
  models = createServer({ key: readFileSync(key), cert: readFileSync(cert) }, (_, response) => response.end(tiny));
  new WebSocketServer({ server: models }).on('connection', (socket) => socket.close());
  models.listen(0, '127.0.0.1');
  await once(models, 'listening');
  proxy.places.set('models.example:443', (models.address() as AddressInfo).port);
});
afterAll(async () => {
  for (const one of running) one.kill('SIGKILL');
  await Promise.all(running.map((one) => one.exited));
  models.closeAllConnections();
  models.close();
  await proxy.close();
  rmSync(folder, { recursive: true });
});

const llmesh = (...args: string[]) => llmeshThrough(`http://${proxy.address}`, ...args);

function llmeshThrough(through: string, ...args: string[]): Running {
  const trusted = path.join(folder, 'cert.pem');
  const env = { HTTPS_PROXY: through, http_proxy: through, NODE_EXTRA_CA_CERTS: trusted, LLMESH_DATA: folder };
  const started = new Running(['native-worker/bin/llmesh.mjs', ...args, '--json'], env);
  running.push(started);
  return started;
}

it('a model is fetched over https', async () => {
  const pulled = llmesh('models', 'pull', 'https://models.example/my-tiny.gguf');
  expect([await pulled.exited, pulled.lines.at(-1)]).toMatchObject([0, expect.anything()]);
  expect(new Set(proxy.asked)).toEqual(new Set(['CONNECT models.example:443']));
  const missed = llmesh('models', 'pull', 'https://elsewhere.example/my-tiny.gguf');
  expect(await missed.exited).toBe(1);
  expect(JSON.stringify(missed.lines)).toContain(
    'lets nobody through to elsewhere.example:443 (HTTP 403). Ask whoever',
  );
});

it('a mesh is joined, lent to and asked, and one of this computer never hears of the proxy', async () => {
  const plane = await startControlPlane(0, { LLMESH_HOSTS: 'mesh.example' });
  running.push(plane.process);
  proxy.places.set('mesh.example:80', Number(new URL(plane.url).port));
  const lend = ['--model', 'llmesh-tiny', '--threads', '1', '--gpu', 'off'];
  const worker = llmesh('worker', ...lend, '--mesh', 'http://mesh.example');
  await worker.line((line) => line['ready'] === true);
  proxy.asked.length = 0;
  const chat = llmesh('chat', 'What is LLMesh?', '--mesh', 'http://mesh.example');
  expect([await chat.exited, chat.lines.at(-1)]).toMatchObject([0, { done: { finish: 'stop' } }]);
  expect(proxy.asked).toContain('GET http://mesh.example/api/models');
  expect(proxy.asked).toContain('CONNECT mesh.example:80');

  proxy.asked.length = 0;
  const here = llmesh('chat', 'What is LLMesh?', '--mesh', plane.url);
  expect([await here.exited, here.lines.at(-1)]).toMatchObject([0, { done: { finish: 'stop' } }]);
  // The worker is still there through it.
  expect(proxy.asked.filter((line) => line.startsWith('GET'))).toEqual([]);
});

it('a WebSocket over https has a way of its own', async () => {
  proxy.asked.length = 0;
  const worker = llmesh('worker', '--model', 'llmesh-tiny', '--gpu', 'off', '--mesh', 'https://models.example');
  const { reason } = await worker.line((line) => line['connection'] === 'unreachable');
  expect(reason).toContain('takes WebSockets, but does not speak the language of a mesh');
  expect(proxy.asked).toContain('CONNECT models.example:443');
});

it('a proxy that is gone is named', async () => {
  const chat = llmeshThrough('http://127.0.0.1:1', 'chat', 'What is LLMesh?', '--mesh', 'http://mesh.example');
  expect(await chat.exited).toBe(1);
  const message = expect.stringContaining('The proxy 127.0.0.1:1 does not answer (ECONNREFUSED). Check HTTPS_PROXY');
  expect(chat.lines).toMatchObject([{ error: { code: 'control_unreachable', message } }]);
});
