/** The gateway as an HTTP server, on one node of a mesh. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { getRequestListener } from '@hono/node-server';
import { toBase32 } from '@llmesh/core/base32';
import { realClock } from '@llmesh/core/clock';
import { MeshError } from '@llmesh/core/errors';
import { randomBytes } from '@llmesh/core/random-bytes';
import type { Rate } from '@llmesh/core/token-bucket';
import type { MeshNode } from '../mesh-node.ts';
import { errno } from '../whole-file.ts';
import { gatewayApp } from './app.ts';
import { Conversations } from './conversations.ts';
import { Door } from './door.ts';
import type { ApiKey } from './keys.ts';
import { Line } from './line.ts';
import { Models } from './models.ts';
import type { Circles } from './privacy.ts';

const MAX_CONNECTIONS = 2_048;
/** To receive a whole request. The answer takes as long as it takes. */
const PATIENCE = { headersTimeout: 10_000, requestTimeout: 30_000, connectionsCheckingInterval: 5_000 };
const ID_BYTES = 15;

export interface GatewayOptions {
  node: MeshNode;
  /** 0: any free one. */
  port: number;
  host: string;
  /** Those that count now. */
  keys: () => readonly ApiKey[];
  open: boolean;
  proxied: boolean;
  rate: Rate;
  origins: readonly string[];
  circles: Circles;
  /** The gateway itself is at fault at a request. */
  failed: (error: unknown) => void;
}

export interface Gateway {
  /** What a client takes as its base URL. */
  url: string;
  /** Every answer breaks off, and its provider stops. Idempotent. */
  close(): Promise<void>;
}

/** Rejects with port_in_use, or with what else `listen` says. */
export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  const { node, keys, open, proxied, rate, origins, circles, failed } = options;
  const { mesh, control } = node;
  const clock = realClock;
  const app = gatewayApp({
    ...{ mesh, clock, origins, circles, failed, now: Date.now },
    line: new Line(),
    conversations: new Conversations(),
    models: new Models(() => control.offers, Date.now),
    door: new Door({
      get keys() {
        return keys();
      },
      ...{ open, proxied, rate, clock },
    }),
    newId: () => toBase32(randomBytes(ID_BYTES)),
  });
  const server = createServer(PATIENCE, getRequestListener(app.fetch, { overrideGlobalObjects: false }));
  server.maxConnections = MAX_CONNECTIONS;
  await listen(server, options.port, options.host);
  const { port } = server.address() as AddressInfo;
  let closing: Promise<void> | null = null;
  const name = options.host.includes(':') ? `[${options.host}]` : options.host;
  return {
    url: `http://${name}:${port}/v1`,
    close: () => (closing ??= shutDown(server)),
  };
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
