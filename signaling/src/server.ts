/** The control plane: one HTTP server that introduces peers, knows who offers what, and serves the page. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { resolve } from 'node:path';
import express from 'express';
import { pino, type Logger } from 'pino';
import { realClock, type Clock } from '@llmesh/core/clock';
import { MeshError } from '@llmesh/core/errors';
import type { IceServer } from '@llmesh/core/protocol';
import { addressReader } from './address.ts';
import { apiRouter } from './api.ts';
import { openFrontDoor } from './front-door.ts';
import { securityHeaders } from './headers.ts';
import { Mesh } from './mesh.ts';
import { Metrics } from './metrics.ts';
import { failed, notFound, pagesRouter } from './pages.ts';
import { PaidWork } from './paid-work.ts';
import { Registry } from './registry.ts';
import { SignalPasses } from './signal-passes.ts';
import { Signal } from './signal.ts';

export const DEFAULT_JOIN_WORK_BITS = 12;

export interface ControlPlaneOptions {
  /** 0: any free one. */
  port: number;
  host: string;
  /** The built page. It may be missing: then a page says so. */
  webFolder: string;
  /** Served under `/models`; null: nothing is. */
  modelsFolder?: string | null;
  iceServers?: readonly IceServer[];
  /** Origins besides our own whose pages may connect, as `https://example.org`; `*` is any. */
  allowedOrigins?: readonly string[];
  /** On each of `/mesh` and `/signal`. */
  maxPeers?: number;
  /** On each of `/mesh` and `/signal`. A school shares one address. */
  maxPerAddress?: number;
  /** What joining costs an identity once: 2 to this power hashes. Twelve are milliseconds, twenty some seconds. */
  joinWorkBits?: number;
  /** A reverse proxy of ours stands in front and sets X-Forwarded-For. */
  trustProxy?: boolean;
  clock?: Clock;
  random?: () => number;
  log?: Logger;
}

export interface ControlPlane {
  /** Where a person on this computer goes. */
  url: string;
  port: number;
  /** Idempotent. Ends every connection within a second. */
  close(): Promise<void>;
}

/** Rejects with port_in_use, or with what else `listen` says. */
export async function startControlPlane(options: ControlPlaneOptions): Promise<ControlPlane> {
  const { clock = realClock, random = Math.random, log = pino({ level: 'silent' }) } = options;
  const { maxPeers = 10_000, maxPerAddress = 256, allowedOrigins = [], iceServers = [] } = options;
  const { joinWorkBits = DEFAULT_JOIN_WORK_BITS } = options;
  const addressOf = addressReader(options.trustProxy ?? false);
  const registry = new Registry(clock);
  const metrics = new Metrics(registry, { mesh: () => mesh.size, signal: () => signal.size });

  const app = express();
  app.disable('x-powered-by');
  app.use(securityHeaders);
  const server = createServer(
    { headersTimeout: 10_000, requestTimeout: 30_000, connectionsCheckingInterval: 5000 },
    app,
  );
  const passes = new SignalPasses(clock);
  const paid = new PaidWork(clock);
  const mesh = new Mesh({ clock, random, registry, metrics, iceServers, passes, paid, joinWorkBits });
  const signal = new Signal(app, { clock, metrics, passes, maxPeers, server });
  app.use(apiRouter({ clock, registry, metrics, addressOf }));
  const modelsFolder = options.modelsFolder ?? null;
  app.use(
    pagesRouter({
      webFolder: resolve(options.webFolder),
      modelsFolder: modelsFolder === null ? null : resolve(modelsFolder),
    }),
  );
  app.use(notFound);
  app.use(failed(log));
  openFrontDoor(server, {
    clock,
    mesh,
    signal,
    metrics,
    log,
    allowedOrigins,
    maxPeers,
    maxPerAddress,
    addressOf,
  });

  let closing: Promise<void> | null = null;
  const close = () => (closing ??= shutDown(server, mesh, signal));
  try {
    await listen(server, options.port, options.host);
  } catch (error) {
    await close();
    throw error;
  }
  const { port } = server.address() as AddressInfo;
  log.info({ host: options.host, port }, 'the control plane listens');
  return { url: `http://${hostForPeople(options.host)}:${port}`, port, close };
}

function listen(server: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      reject(error.code === 'EADDRINUSE' ? portInUse(port, error) : error);
    });
    server.listen(port, host, resolve);
  });
}

async function shutDown(server: Server, mesh: Mesh, signal: Signal): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  await Promise.all([mesh.close(), signal.close()]);
  server.closeAllConnections();
  await closed;
}

function portInUse(port: number, cause: unknown): MeshError {
  const other = port < 65_535 ? port + 1 : port - 1;
  const message = `Port ${port} is in use: is a mesh already running there? Stop it, or choose another with PORT=${other} npm start.`;
  return new MeshError('port_in_use', message, { cause });
}

/** Addresses that mean "here" or "everywhere" are no use in a link. */
function hostForPeople(host: string): string {
  if (['127.0.0.1', '0.0.0.0', '::', '::1', 'localhost'].includes(host)) return 'localhost';
  return host.includes(':') ? `[${host}]` : host;
}
