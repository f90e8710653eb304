/** Who asks by a name that is none of ours: pages of strangers that had their own name point here. On real sockets. */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { startControlPlane, type ControlPlane, type ControlPlaneOptions } from '../server.ts';

const planes: ControlPlane[] = [];
const servers: Server[] = [];
afterEach(async () => {
  await Promise.all(planes.splice(0).map((plane) => plane.close()));
  for (const server of servers.splice(0)) server.closeAllConnections();
});

async function start(options: Partial<ControlPlaneOptions> = {}): Promise<ControlPlane> {
  const plane = await startControlPlane({ port: 0, host: '127.0.0.1', webFolder: 'none', ...options });
  planes.push(plane);
  return plane;
}

/** A request as it is written, over a connection of its own, until the other end closes. */
async function ask({ port }: ControlPlane, ...lines: string[]): Promise<{ status: number; body: string }> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => {});
  socket.write(`${lines.join('\r\n')}\r\n\r\n`);
  let said = '';
  for await (const chunk of socket) said += String(chunk);
  return { status: Number(said.split(' ')[1]), body: said.slice(said.indexOf('\r\n\r\n') + 4) };
}

const get = (plane: ControlPlane, path: string, ...headers: string[]) =>
  ask(plane, `GET ${path} HTTP/1.1`, 'Connection: close', ...headers);
const upgrade = (plane: ControlPlane, path: string, ...headers: string[]) =>
  get(plane, path, ...headers, 'Connection: Upgrade', 'Upgrade: websocket');
const socketAsk = (plane: ControlPlane, host: string, origin: string) =>
  upgrade(
    plane,
    '/relay?ticket=x',
    ...[
      `Host: ${host}`,
      `Origin: ${origin}`,
      'Sec-WebSocket-Version: 13',
      'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
    ],
  );

const PATHS = ['/', '/donate', '/assets/a.js', '/models/catalogue.json', '/api/peers', '/metrics', '/healthz'];
const OTHERS = ['/v1/models', '/signal/peerjs/id', '/mesh', '/relay', '/nothing'];

describe('on this computer alone', () => {
  it.each([[[]], [['mesh.example']]])('nothing answers a name that is not ours, which are %j', async (hosts) => {
    const plane = await start({ hosts });
    const names = ['evil.example', 'localhost.evil.example', '127.0.0.1.nip.io', '192.168.1.7'];
    for (const name of names) {
      const host = `Host: ${name}:${plane.port}`;
      for (const path of [...PATHS, ...OTHERS])
        expect([path, (await get(plane, path, host)).status]).toEqual([path, 421]);
      for (const path of ['/mesh', '/signal/peerjs', '/relay', '/nothing']) {
        expect((await upgrade(plane, path, host, `Origin: http://${name}:${plane.port}`)).status).toBe(421);
      }
    }
  });

  it('the names of this computer open it, and those that it was given', async () => {
    const plane = await start({ hosts: ['Mesh.example'] });
    for (const host of [
      '0.0.0.0:1',
      'host.docker.internal:1',
      'LOCALHOST',
      'localhost:9999',
      'a.localhost',
      '127.0.0.9',
      '[::1]:1',
      'mesh.EXAMPLE:80',
    ])
      expect([host, (await get(plane, '/healthz', `Host: ${host}`)).status]).toEqual([host, 200]);
  });

  it('a request that names no host, or two, or another one in its first line, is none', async () => {
    const plane = await start();
    const two = ['Host: localhost', 'Host: evil.example'];
    expect((await get(plane, '/healthz')).status).toBe(400);
    expect((await ask(plane, 'GET /healthz HTTP/1.0')).status).toBe(400);
    expect((await get(plane, '/healthz', ...two)).status).toBe(400);
    expect((await get(plane, '/healthz', ...two.toReversed())).status).toBe(400);
    expect((await get(plane, 'http://evil.example/healthz', 'Host: localhost')).status).toBe(400);
    expect((await get(plane, 'http://localhost/healthz', 'Host: evil.example')).status).toBe(421);
    expect((await upgrade(plane, '/mesh', ...two)).status).toBe(400);
    for (const host of ['user@localhost', '2130706433', '[fe80::1%25lo]', '127.1'])
      expect([host, (await get(plane, '/healthz', `Host: ${host}`)).status]).toEqual([host, 400]);
    expect((await get(plane, 'http://localhost/healthz', 'Host: localhost')).status).toBe(200);
  });

  it('says to whom it may concern what to set', async () => {
    const plane = await start();
    const host = 'Host: mesh.example';
    const { body } = await get(plane, '/', host, 'Accept: text/html');
    expect(body).toContain('<p>This server does not go by the name mesh.example.');
    expect(JSON.parse((await get(plane, '/api/stats', host)).body)).toMatchObject({
      error: { code: 'forbidden_host', message: expect.stringContaining('LLMESH_HOSTS=mesh.example') },
    });
    expect(JSON.parse((await get(plane, '/v1/models', host)).body)).toMatchObject({
      error: { type: 'invalid_request_error', code: 'forbidden_host', param: null },
    });
  });

  it('a WebSocket is for pages of the very host that it was asked as', async () => {
    const plane = await start({ hosts: ['mesh.example'], allowedOrigins: ['https://friend.example'] });
    // 401: it came as far as to its ticket.
    const statuses = async (host: string, ...origins: string[]) =>
      await Promise.all(origins.map(async (origin) => (await socketAsk(plane, host, origin)).status));
    const foreign = ['http://evil.example', 'null', 'http://localhost:1', 'http://mesh.example', 'ftp://localhost:7'];
    expect(await statuses('localhost:7', ...foreign)).toEqual([403, 403, 403, 403, 403]);
    expect(await statuses('localhost:7', 'http://localhost:7', 'https://friend.example')).toEqual([401, 401]);
    expect(await statuses('evil.example', 'http://evil.example', 'https://friend.example')).toEqual([421, 421]);
    expect(await statuses('mesh.example', 'https://mesh.example')).toEqual([401]);
  });

  it('what is not there is said to a browser as a page, and to a client of the API with what to do', async () => {
    const plane = await start();
    const asked = (method: string, path: string, accept: string) =>
      ask(plane, `${method} ${path} HTTP/1.1`, 'Host: localhost', 'Connection: close', `Accept: ${accept}`);
    const browser = 'text/html,application/xhtml+xml,*/*;q=0.8';
    for (const [method, path, accept] of [
      ...['/health', '/models', '/chat/completions'].map((one) => ['GET', one, '*/*'] as const),
      ...['/', '/chat/completions', '/donate'].map((one) => ['POST', one, browser] as const),
      ['GET', '/', 'application/json'],
      ['GET', '/network', 'application/json, text/plain, */*'],
    ] as const) {
      const { status, body } = await asked(method, path, accept);
      const { error } = JSON.parse(body);
      expect([method, path, status, error.code, error.message]).toEqual([
        ...[method, path, 404, 'not_found'],
        expect.stringContaining('end the base URL of your client with it'),
      ]);
    }
    expect((await asked('GET', '/health', browser)).body).toContain('<h1>Nothing here</h1>');
    // 503: the page, which is not built here.
    for (const accept of [browser, '*/*']) expect((await asked('GET', '//donate', accept)).status).toBe(503);
  });

  it('a proxy that takes the upgrade away is told so', async () => {
    const plane = await start();
    for (const path of ['/mesh', '/relay']) expect((await get(plane, path, 'Host: localhost')).status).toBe(426);
  });
});

describe('for other computers', () => {
  it('an address opens it, and what nobody else can be called; a name of the internet has to be ours', async () => {
    const statuses = async (plane: ControlPlane) =>
      await Promise.all(
        ['192.168.1.7:7070', '[2001:db8::7]', 'box.local', 'box', 'mesh.example', 'evil.example'].map(
          async (host) => (await get(plane, '/healthz', `Host: ${host}`)).status,
        ),
      );
    expect(await statuses(await start({ host: '0.0.0.0' }))).toEqual([200, 200, 200, 200, 421, 421]);
    const named = await start({ host: '0.0.0.0', hosts: ['mesh.example:7070'] });
    expect(await statuses(named)).toEqual([200, 200, 421, 421, 200, 421]);
  });

  it('behind a proxy its name counts as well', async () => {
    const plane = await start({ trustProxy: true, hosts: ['mesh.example'] });
    const status = async (host: string, forwarded: string) =>
      (await get(plane, '/healthz', `Host: ${host}`, `X-Forwarded-Host: ${forwarded}`)).status;
    expect(await status('upstream', 'evil.example, mesh.example')).toBe(200);
    expect(await status('127.0.0.1:7070', 'mesh.example, evil.example')).toBe(421);
    expect(await status('evil.example', 'mesh.example')).toBe(421);
    const untold = await start({ hosts: ['mesh.example'] });
    expect((await get(untold, '/healthz', 'Host: evil.example', 'X-Forwarded-Host: localhost')).status).toBe(421);
  });
});

describe('the gateway behind it', () => {
  it('hears the host that was asked for, whatever a request says of its connection', async () => {
    const standIn = createServer((request, response) => response.end(request.headers.host));
    servers.push(standIn);
    standIn.listen(0, '127.0.0.1');
    await once(standIn, 'listening');
    const gateway = new URL(`http://127.0.0.1:${(standIn.address() as AddressInfo).port}`);
    const plane = await start({ gateway });
    const asked = (...headers: string[]) => get(plane, '/v1/models', ...headers);
    expect(await asked('Host: localhost:7', 'Connection: close, host')).toMatchObject({
      body: expect.stringContaining('localhost:7'),
    });
    // It looks at keys itself, by whatever name it is reached.
    expect((await asked('Host: evil.example', 'Connection: host')).status).toBe(421);
    const keyed = await asked('Host: host.docker.internal:7070', 'Authorization: Bearer k', 'Connection: host');
    expect(keyed).toMatchObject({ status: 200, body: expect.stringContaining('host.docker.internal:7070') });
    const others = await Promise.all(
      ['X-Api-Key: k', 'Api-Key: k'].map((one) => asked('Host: mesh.example', one).then(({ status }) => status)),
    );
    expect(others).toEqual([200, 200]);
    expect((await get(plane, '//v1//models', 'Host: localhost')).status).toBe(200);
    expect((await asked('Authorization: Bearer k')).status).toBe(400);
    expect((await get(plane, '/api/stats', 'Host: evil.example', 'Authorization: Bearer k')).status).toBe(421);
  });
});
