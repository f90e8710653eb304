/** By which names a gateway is asked, on a real server; there is no mesh behind it. */
import { once } from 'node:events';
import { request } from 'node:http';
import { afterEach, expect, it } from 'vitest';
import type { OpenPeer } from '@llmesh/core/open-peer';
import { leaveMesh, openMeshNode } from '../node/mesh-node.ts';
import { startGateway, type Gateway, type GatewayOptions } from './server.ts';

let node: OpenPeer | null = null;
let gateway: Gateway | null = null;
afterEach(async () => {
  await gateway?.close();
  if (node !== null) await leaveMesh(node);
});

async function statuses(options: Partial<GatewayOptions>, ...asked: Record<string, string>[]): Promise<number[]> {
  node = await openMeshNode(new URL('http://127.0.0.1:1'));
  gateway = await startGateway({
    node,
    port: 0,
    host: '127.0.0.1',
    keys: () => [],
    open: false,
    proxied: false,
    origins: [],
    hosts: [],
    rate: { perSecond: 100, burst: 100 },
    circles: { own: [], trusted: [] },
    checks: true,
    failed: () => {},
    ...options,
  });
  const { port, pathname } = new URL(`${gateway.url}/models`);
  return await Promise.all(
    asked.map(async (headers) => {
      const sent = request({ host: '127.0.0.1', port, path: pathname, headers }).end();
      const [response] = await once(sent, 'response');
      response.resume();
      return Number(response.statusCode);
    }),
  );
}

/** The status of a request that was let in, and found no mesh. */
const LET_IN = 503;
const evil = { host: 'evil.example' };
const key = { authorization: 'Bearer sk-llmesh-x' };

it.each<[string, Partial<GatewayOptions>, Record<string, string>, number]>([
  ['as this computer', {}, { host: 'LOCALHOST.:7080' }, LET_IN],
  ['as a page has its name point here', {}, evil, 421],
  ['by such a page, which brings a key', {}, { ...evil, ...key }, 401],
  ['by such a page, where it is open', { open: true }, { ...evil, ...key }, 421],
  ['behind a server that passes such a page on', { open: true, proxied: true }, evil, 421],
  ['by the address that a server in front is reached at', { proxied: true }, { host: '192.168.1.7' }, 401],
  ['by a name that it was given', { open: true, hosts: ['evil.example:80'] }, evil, LET_IN],
  ['from elsewhere, where it listens to all', { open: true, host: '0.0.0.0' }, { host: '192.168.1.7:7080' }, LET_IN],
  ['from elsewhere by a name of somebody', { open: true, host: '0.0.0.0' }, evil, 421],
])('%s', async (_, options, headers, status) => {
  expect(await statuses(options, headers)).toEqual([status]);
});
