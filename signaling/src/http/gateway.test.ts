/** What the control plane passes on under `/v1`, to a server that stands in for the gateway. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { startControlPlane, type ControlPlane, type ControlPlaneOptions } from '../server.ts';

const servers: Server[] = [];
const planes: ControlPlane[] = [];
afterEach(async () => {
  await Promise.all(planes.splice(0).map((plane) => plane.close()));
  for (const server of servers.splice(0)) server.closeAllConnections();
});

async function standIn(answer: RequestListener): Promise<URL> {
  const server = createServer(answer);
  servers.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
}

async function plane(options: Partial<ControlPlaneOptions>): Promise<string> {
  const started = await startControlPlane({ port: 0, host: '127.0.0.1', webFolder: 'none', ...options });
  planes.push(started);
  return `http://127.0.0.1:${started.port}`;
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const parts: string[] = [];
  for await (const part of request) parts.push(String(part));
  return parts.join('');
}

describe('/v1', () => {
  it('is passed on whole, with the address of who asks and no other', async () => {
    const gateway = await standIn(async (request, response) => {
      const { method, url, headers } = request;
      response.writeHead(418, { 'x-request-id': 'r' });
      response.end(JSON.stringify({ method, url, headers, body: await bodyOf(request) }));
    });
    const url = await plane({ gateway });
    const headers = { 'x-forwarded-for': '192.0.2.7', authorization: 'Bearer k' };
    const response = await fetch(`${url}/v1/chat?x=1`, { method: 'POST', body: 'hello', headers });
    expect([response.status, response.headers.get('x-request-id')]).toEqual([418, 'r']);
    expect(await response.json()).toMatchObject({
      method: 'POST',
      url: '/v1/chat?x=1',
      body: 'hello',
      headers: { 'x-forwarded-for': '127.0.0.1', authorization: 'Bearer k', host: new URL(url).host },
    });
  });

  it('has the address that a trusted proxy gives', async () => {
    const gateway = await standIn((request, response) => response.end(request.headers['x-forwarded-for']));
    const url = await plane({ gateway, trustProxy: true });
    const headers = { 'x-forwarded-for': '127.0.0.1, 192.0.2.7' };
    expect(await (await fetch(`${url}/v1/models`, { headers })).text()).toBe('192.0.2.7');
  });

  it('streams as the words come, and ends for the gateway when the reader leaves', async () => {
    let gone = false;
    const gateway = await standIn((_, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write('first');
      response.on('close', () => {
        gone = true;
      });
    });
    const url = await plane({ gateway });
    const leaving = new AbortController();
    const response = await fetch(`${url}/v1/stream`, { signal: leaving.signal });
    const { value } = (await response.body?.getReader().read()) ?? {};
    expect(new TextDecoder().decode(value)).toBe('first');
    leaving.abort();
    await expect.poll(() => gone).toBe(true);
  });

  it('says the headers before there is a word', async () => {
    const gateway = await standIn((_, response) => response.flushHeaders());
    const url = await plane({ gateway });
    const leaving = new AbortController();
    expect((await fetch(`${url}/v1/stream`, { signal: leaving.signal })).status).toBe(200);
    leaving.abort();
  });

  it('is not there without a gateway, and is missed while that is away', async () => {
    const none = await fetch(`${await plane({})}/v1/models`);
    expect([none.status, await none.json()]).toMatchObject([404, { error: { code: 'no_gateway' } }]);
    const away = new URL('http://127.0.0.1:1');
    const missed = await fetch(`${await plane({ gateway: away })}/v1/models`);
    expect([missed.status, missed.headers.get('retry-after')]).toEqual([503, '2']);
    expect(await missed.json()).toMatchObject({ error: { type: 'server_error', param: null } });
  });
});
