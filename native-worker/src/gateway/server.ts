/** The gateway as an HTTP server, on one node of a mesh. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { getRequestListener } from '@hono/node-server';
import { realClock } from '@llmesh/core/base/clock';
import { bringsKey, hostAdvice, HostGuard, type HostFault } from '@llmesh/core/base/host-guard';
import { MeshError } from '@llmesh/core/base/errors';
import type { Rate } from '@llmesh/core/base/token-bucket';
import type { OpenPeer } from '@llmesh/core/open-peer';
import { errno } from '../files/whole-file.ts';
import type { OwnAdapter } from '../models/lora/own-adapters.ts';
import { ApiError } from './request/api-error.ts';
import { Door } from './door.ts';
import { gatewayOnNode } from './gateway-on-node.ts';
import type { ApiKey } from './keys.ts';
import { isLoopbackAddress, thisMachine } from './own-machine.ts';
import type { Circles } from './request/privacy.ts';

const MAX_CONNECTIONS = 2_048;
/** How long receiving a request may take. The answer takes as long as it takes. */
const PATIENCE = { headersTimeout: 10_000, requestTimeout: 30_000, connectionsCheckingInterval: 5_000 };

export interface GatewayOptions {
  node: OpenPeer;
  /** 0: any free one. */
  port: number;
  host: string;
  /** The keys that are valid now. */
  keys: () => readonly ApiKey[];
  open: boolean;
  proxied: boolean;
  rate: Rate;
  origins: readonly string[];
  /** Names by which it is reached besides those of this computer. */
  hosts: readonly string[];
  /** See `DoorOptions`. */
  makeKey?: string;
  circles: Circles;
  /** See `OnNodeOptions`. */
  adapters?: readonly OwnAdapter[];
  /** Other volunteers may check answers. */
  checks: boolean;
  /** Reports a fault of the gateway itself at a request. */
  failed: (error: unknown) => void;
}

export interface Gateway {
  /** The base URL for clients. */
  url: string;
  /** Breaks off every answer and stops its provider. Idempotent. */
  close(): Promise<void>;
}

/** Rejects with port_in_use, or with any other error of `listen`. */
export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  const { node, keys, open, proxied, rate, origins, hosts, makeKey, circles, adapters = [], checks, failed } = options;
  const door = new Door({
    get keys() {
      return keys();
    },
    open,
    proxied,
    rate,
    clock: realClock,
    ...(makeKey !== undefined && { makeKey }),
  });
  const app = gatewayOnNode(node, { door, origins, circles, adapters, checks, failed });
  const answer = getRequestListener(app.fetch, { overrideGlobalObjects: false });
  const machine = thisMachine.names;
  let guard = new HostGuard({ hosts, loopback: true, machine, proxied });
  const server = createServer(PATIENCE, (request, response) => {
    // Where no name is asked for, any would do.
    const keyed = (!open || keys().length > 0) && bringsKey(request.headers);
    const fault = keyed ? null : guard.fault(request.headersDistinct['host'], request.headers.origin);
    if (fault === null) void answer(request, response);
    else turnAway(fault, request, response);
  });
  server.maxConnections = MAX_CONNECTIONS;
  await listen(server, options.port, options.host);
  const { address, port } = server.address() as AddressInfo;
  // The server in front has checked the names already, and knows more of them.
  guard = new HostGuard({ hosts, loopback: isLoopbackAddress(address) && !proxied, machine, proxied });
  let closing: Promise<void> | null = null;
  const name = options.host.includes(':') ? `[${options.host}]` : options.host;
  return {
    url: `http://${name}:${port}/v1`,
    close: () => (closing ??= shutDown(server)),
  };
}

/** A client that uses a name which is not ours may be a stranger's page: see `host-name.ts` in core. */
function turnAway(fault: HostFault, request: IncomingMessage, response: ServerResponse): void {
  const status = fault.host === null ? 400 : 421;
  const message = hostAdvice(fault);
  const { body } = new ApiError({ status, type: 'invalid_request_error', code: 'forbidden_host', message });
  response.writeHead(status, { 'content-type': 'application/json', connection: 'close' });
  response.end(JSON.stringify(body));
  request.resume();
}

function listen(server: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error) => reject(listenError(error, port, host)));
    server.listen(port, host, resolve);
  });
}

function listenError(cause: Error, port: number, host: string): MeshError {
  const message =
    errno(cause) === 'EADDRINUSE'
      ? `Port ${port} is in use. Choose another with --port.`
      : `Cannot listen on ${host}:${port} (${errno(cause) ?? cause.message}). Choose another --host or --port.`;
  return new MeshError('port_in_use', message, { cause });
}

function shutDown(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
