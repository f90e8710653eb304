/** A gateway that wants a key, on a real server; there is no mesh behind it. */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { OpenPeer } from '@llmesh/core/open-peer';
import { startGateway, type Gateway } from '../gateway/server.ts';
import { leaveMesh, openMeshNode } from '../node/mesh-node.ts';
import { ApiClient } from './api-client.ts';
import { gatewayCaller } from './gateway-caller.ts';

const never = new AbortController().signal;
let node: OpenPeer;
let gateway: Gateway;
beforeAll(async () => {
  node = await openMeshNode(new URL('http://127.0.0.1:1'));
  gateway = await startGateway({
    node,
    port: 0,
    host: '127.0.0.1',
    keys: () => [{ name: 'ann', hash: createHash('sha256').update('sk-ann').digest() }],
    open: false,
    proxied: false,
    origins: [],
    hosts: [],
    rate: { perSecond: 100, burst: 100 },
    circles: { own: [], trusted: [] },
    checks: true,
    failed: () => {},
  });
});
afterAll(async () => {
  await gateway.close();
  await leaveMesh(node);
});

const models = (address: string, key: string | null) =>
  new ApiClient(gatewayCaller(new URL(address), key)).models(never);

it('says what to do about the key', async () => {
  await expect(models(gateway.url, null)).rejects.toThrow('wants a key. Put one into LLMESH_API_KEY.');
  await expect(models(gateway.url, 'sk-bob')).rejects.toThrow('The one in LLMESH_API_KEY does not open it.');
});

it.each(['/', '/v1/', ''])('passes on what the gateway says, at an address that ends in "%s"', async (end) => {
  const address = gateway.url.replace(/\/v1$/, end);
  await expect(models(address, 'sk-ann')).rejects.toThrow('This gateway is not connected to its mesh yet.');
});

it('says that nothing answers, or something else', async () => {
  await expect(models('http://127.0.0.1:1', null)).rejects.toThrow('Nothing answers there (ECONNREFUSED).');
  const other = createServer((_, response) => response.end('<h1>Hello</h1>')).listen(0, '127.0.0.1');
  await once(other, 'listening');
  const { port } = other.address() as AddressInfo;
  await expect(models(`http://127.0.0.1:${port}`, null)).rejects.toThrow('does not speak like a gateway of LLMesh');
  other.close();
});

it('ends when it is cancelled', async () => {
  const silent = createServer(() => {}).listen(0, '127.0.0.1');
  await once(silent, 'listening');
  const { port } = silent.address() as AddressInfo;
  const cancel = new AbortController();
  silent.once('request', () => cancel.abort());
  const call = gatewayCaller(new URL(`http://127.0.0.1:${port}`), null);
  await expect(call('/v1/models', null, cancel.signal)).rejects.toThrow('cannot be asked');
  silent.closeAllConnections();
  silent.close();
});
