/** Requests through a real proxy, in this process. */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { WebSocketServer } from 'ws';
import { WebProxy } from '../testing/web-proxy.ts';
import { openSocket, webResponse } from './outgoing.ts';
import { ProxyError } from './proxy-choice.ts';

let proxy: WebProxy;
let server: Server;
let port: number;
beforeEach(async () => {
  proxy = await new WebProxy().listen();
  server = createServer((request, response) => response.end(JSON.stringify([request.url, request.headers])));
  new WebSocketServer({ server }).on('connection', (socket) => socket.send('hello'));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  ({ port } = server.address() as AddressInfo);
  proxy.places.set('mesh.example:80', port);
  vi.stubEnv('HTTP_PROXY', `http://${proxy.address}`);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  server.closeAllConnections();
  server.close();
  await proxy.close();
});

async function get(url: string): Promise<[string, Record<string, string>]> {
  const response = await webResponse(new URL(url));
  let text = '';
  for await (const chunk of response) text += String(chunk);
  return JSON.parse(text);
}

async function hello(url: string): Promise<string> {
  const socket = openSocket(url);
  try {
    const [said] = await once(socket, 'message');
    return String(said);
  } finally {
    socket.terminate();
  }
}

describe('through a proxy', () => {
  it('a plain request is passed on as the server would have heard it', async () => {
    const [path, headers] = await get('http://mesh.example/api/stats?x=1');
    expect([path, headers['host']]).toEqual(['/api/stats?x=1', 'mesh.example']);
    expect(proxy.asked).toEqual(['GET http://mesh.example/api/stats?x=1']);
  });

  it('a WebSocket has a way of its own', async () => {
    expect(await hello('ws://mesh.example/mesh')).toBe('hello');
    expect(proxy.asked).toEqual(['CONNECT mesh.example:80']);
  });

  it('the proxy hears its name and password, and nobody else does', async () => {
    proxy.secret = 'ann:p@ss';
    vi.stubEnv('HTTP_PROXY', `http://ann:p%40ss@${proxy.address}`);
    const [, headers] = await get('http://mesh.example/');
    expect(Object.keys(headers)).not.toContain('proxy-authorization');
    expect(await hello('ws://mesh.example/mesh')).toBe('hello');
  });

  it.each([
    ['that wants a password', () => (proxy.secret = 'ann:secret'), /asks for a name and a password.*name:password@/],
    [
      'that is gone',
      () => vi.stubEnv('HTTP_PROXY', 'http://127.0.0.1:1'),
      /does not answer \(ECONNREFUSED\).*NO_PROXY/,
    ],
    ['whose address is none', () => vi.stubEnv('HTTP_PROXY', 'socks5://127.0.0.1:1'), /HTTP_PROXY is not the address/],
  ])('one %s says so', async (_, arrange, words) => {
    arrange();
    await expect(get('http://mesh.example/')).rejects.toThrow(words);
    await expect(hello('ws://mesh.example/')).rejects.toThrow(words);
    await expect(hello('ws://mesh.example/')).rejects.toThrow(ProxyError);
  });

  it('what it does not let through is said for a WebSocket', async () => {
    await expect(hello('ws://other.example/')).rejects.toThrow('lets nobody through to other.example:80 (HTTP 403)');
  });

  it('nothing goes that is here', async () => {
    const [, headers] = await get(`http://localhost:${port}/`);
    expect(headers['host']).toBe(`localhost:${port}`);
    expect(await hello(`ws://127.0.0.1:${port}/`)).toBe('hello');
    expect(proxy.asked).toEqual([]);
  });
});
