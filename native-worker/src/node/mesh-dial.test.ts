/** Why a mesh cannot be reached, told apart at real servers. */
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, request as httpRequest, type RequestListener } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { createServer as createTcpServer, type AddressInfo, type Server } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocketServer } from 'ws';
import { fetchStats } from './mesh-api.ts';
import { MeshDial } from './mesh-dial.ts';
import { troubleWords, type MeshTrouble } from './mesh-trouble.ts';
import { startControlPlane, type Running } from '../testing/process.ts';

const folder = mkdtempSync(path.join(os.tmpdir(), 'llmesh-dial-'));
const servers: Server[] = [];
let plane: { url: string; process: Running };
let tls: { key: Buffer; cert: Buffer };
beforeAll(async () => {
  const [key, cert] = ['key.pem', 'cert.pem'].map((name) => path.join(folder, name)) as [string, string];
  const kind = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
  execFileSync('openssl', ['req', ...kind, '-keyout', key, '-out', cert, '-subj', '/CN=localhost'], {
    stdio: 'ignore',
  });
  tls = { key: readFileSync(key), cert: readFileSync(cert) };
  plane = await startControlPlane();
});
afterAll(async () => {
  for (const server of servers) server.close();
  plane.process.kill('SIGKILL');
  await plane.process.exited;
  rmSync(folder, { recursive: true });
});

async function listening(server: Server): Promise<string> {
  servers.push(server);
  if (!server.listening) {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
  }
  return `localhost:${(server.address() as AddressInfo).port}`;
}
const http = (listener: RequestListener) =>
  listening(createServer(listener).on('connection', (socket) => socket.unref()));
const https = () => listening(createHttpsServer(tls, (_, response) => response.end('x')));

/** Passes requests on as nginx does by default: without the headers that ask for a WebSocket. */
const withoutUpgrade = () =>
  http((request, response) => {
    const { upgrade: _, connection: __, ...headers } = request.headers;
    const onward = httpRequest(new URL(request.url ?? '/', plane.url), { headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 0, { 'content-type': answer.headers['content-type'] ?? '' });
      answer.pipe(response);
    });
    onward.end();
  });

async function closed(): Promise<string> {
  const server = createTcpServer();
  const address = await listening(server);
  await new Promise((resolve) => server.close(resolve));
  return `http://${address.replace('localhost', '127.0.0.1')}`;
}

async function whyNot(address: string): Promise<{ socket: string; page: string }> {
  const dial = new MeshDial(new URL(address));
  const socket = dial.open(new URL('/mesh', address).href.replace(/^http/, 'ws'));
  // `once` would reject with the error that comes before.
  await new Promise((resolve) => socket.on('close', resolve));
  const page = await fetchStats(new URL(address)).then(
    () => 'a mesh',
    (thrown: Error) => thrown.message,
  );
  return { socket: await dial.why(), page };
}

describe('the reason is told, and what to do', () => {
  it.each<[string, () => Promise<string>, RegExp]>([
    ['nothing listens', closed, /^Nothing listens at http:\/\/127.0.0.1:\d+\. Start/],
    [
      'a name that does not exist',
      async () => 'http://no-such-mesh.invalid',
      /No computer is called|cannot be looked up/,
    ],
    [
      'a certificate that nobody knows',
      async () => `https://${await https()}`,
      /signed by nobody.*NODE_EXTRA_CA_CERTS/,
    ],
    ['http to an https port', async () => `http://${await https()}`, /speaks https: use https:\/\/localhost:\d+\.$/],
    [
      'https to an http port',
      async () => `https://${await http((_, r) => r.end())}`,
      /does not speak https.*use http:\/\/localhost/,
    ],
    [
      'something that hangs up',
      async () => `http://${await listening(createTcpServer((s) => s.destroy()))}`,
      /hangs up at once/,
    ],
    ['another web server', async () => `http://${await http((_, r) => r.end('<h1>Hi'))}`, /is not a mesh/],
    [
      'a redirect',
      async () => `http://${await http((_, r) => r.writeHead(301, { location: 'https://mesh.example/x' }).end())}`,
      /sends its visitors to https:\/\/mesh.example: use/,
    ],
  ])('%s', async (_, server, words) => {
    const { socket, page } = await whyNot(await server());
    expect(socket).toMatch(words);
    expect(page).toMatch(words);
  });

  it('a proxy that passes no WebSockets on', async () => {
    const { socket, page } = await whyNot(`http://${await withoutUpgrade()}`);
    expect(page).toBe('a mesh');
    expect(socket).toContain('passes no WebSockets on');
  });

  it('one before a mesh that does not say so itself', async () => {
    const address = await http((request, response) => {
      if (request.url !== '/api/stats') return response.writeHead(404).end('Nothing');
      void fetch(`${plane.url}/api/stats`).then(async (stats) => response.end(await stats.text()));
      return response;
    });
    expect((await whyNot(`http://${address}`)).socket).toContain('passes no WebSockets on');
  });

  it('a server of WebSockets that is not a mesh', async () => {
    const server = createServer((_, response) => response.end());
    new WebSocketServer({ server }).on('connection', (socket) => socket.close());
    expect((await whyNot(`http://${await listening(server)}`)).socket).toContain('the language of a mesh');
  });

  it.each<[MeshTrouble, string]>([
    [{ kind: 'status', status: 421, redirect: null, mesh: false }, 'LLMESH_HOSTS=mesh.example.'],
    [{ kind: 'status', status: 403, redirect: null, mesh: false }, 'keeps this computer out'],
    [{ kind: 'status', status: 502, redirect: null, mesh: false }, 'finds no mesh behind it'],
    [{ kind: 'status', status: 401, redirect: null, mesh: false }, 'password'],
    [{ kind: 'error', code: 'CERT_NOT_YET_VALID' }, 'Check the clock'],
    [{ kind: 'error', code: 'ERR_TLS_CERT_ALTNAME_INVALID' }, 'other names than mesh.example'],
    [{ kind: 'error', code: 'ENETUNREACH' }, 'There is no route'],
    [{ kind: 'error', code: 'a text \u001b[2J of somebody' }, 'for an unknown reason'],
    [{ kind: 'silent' }, 'keeps port 443 closed'],
  ])('%j', (trouble, words) => expect(troubleWords(new URL('https://mesh.example'), trouble)).toContain(words));
});
