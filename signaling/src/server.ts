/** The control plane: one HTTP server that introduces peers, knows who offers what, and serves the page. */
import { createServer, type IncomingMessage, type Server, type ServerOptions } from 'node:http';
import type { AddressInfo } from 'node:net';
import { resolve } from 'node:path';
import express from 'express';
import { pino, type Logger } from 'pino';
import { realClock, type Clock } from '@llmesh/core/base/clock';
import { MeshError } from '@llmesh/core/base/errors';
import type { Genesis } from '@llmesh/core/networks/genesis';
import { noteName } from '@llmesh/core/identity/note-name';
import type { PeerId } from '@llmesh/core/base/ids';
import type { IceServer } from '@llmesh/core/wire/control-protocol';
import type { CreditMode } from '@llmesh/core/wire/credit-messages';
import type { Cluster } from './cluster/cluster.ts';
import { MemoryHub } from './cluster/memory-hub.ts';
import { AuditOffice } from './audit/audit-office.ts';
import { AuditTable } from './audit/audit-table.ts';
import { AUDIT_TERMS, votedTerms, type AuditTerms } from './audit/share/audit-terms.ts';
import { openCalibrations } from './audit/figures/calibration-file.ts';
import { networksReader, remoteReader, widerNetworkOf } from './sockets/address.ts';
import { apiRouter } from './http/api.ts';
import { limitConnections } from './sockets/connection-limit.ts';
import { readCatalogue } from './http/catalogue-file.ts';
import { KEY_FILE, openControlKey } from './receipts/control-key.ts';
import { foundIn } from './store/genesis-file.ts';
import { MeshDatabase } from './store/mesh-database.ts';
import { openDataFolder } from './store/data-folder.ts';
import type { DeliveryLimits, DeliveryStore } from './receipts/delivery-store.ts';
import { DeliveryTable } from './receipts/delivery-table.ts';
import { logRouter } from './http/log-pages.ts';
import { openFrontDoor, withoutUpgrade } from './http/front-door.ts';
import { gatewayRouter } from './http/gateway.ts';
import { securityHeaders } from './http/headers.ts';
import { hostDoor } from './http/host-door.ts';
import { Hosts } from './http/hosts.ts';
import { IceServers, type TurnOptions } from './session/ice-servers.ts';
import { LeaseOffice } from './receipts/lease-office.ts';
import { AllowanceTable } from './store/allowance-table.ts';
import { KeptTable } from './store/kept-table.ts';
import { LedgerPages } from './ledger/pages/ledger-pages.ts';
import { openCredits, reasonOf } from './open-credits.ts';
import { Mesh, MESH_PATH } from './session/mesh.ts';
import { countsIn, Metrics } from './metrics.ts';
import { ReceiptBook } from './receipts/receipt-book.ts';
import { SignatureThreads } from './receipts/signature-threads.ts';
import { failed, notFound, pagesRouter, plainPath } from './http/pages.ts';
import { JoinPrice } from './session/join-price.ts';
import { Registry } from './registry/registry.ts';
import { DEFAULT_RELAY_LIMITS, Relay, RELAY_PATH, type RelayLimits } from './relay/relay.ts';
import { SignalPasses } from './signal/signal-passes.ts';
import { Signal } from './signal/signal.ts';

export const DEFAULT_JOIN_WORK_BITS = 12;
/** A page has one WebSocket of each kind and a few requests in flight. */
const SOCKETS_PER_PEER = 8;
/** How long a plain request may stall. */
const IDLE_MS = 60_000;

export interface ControlPlaneOptions {
  /** 0: any free port. */
  port: number;
  host: string;
  /** The built page. If it is missing, a page says so. */
  webFolder: string;
  /** Served under `/models`; null: nothing is. */
  modelsFolder?: string | null;
  /** Where `/v1` is passed on to; null: nowhere. */
  gateway?: URL | null;
  iceServers?: readonly IceServer[];
  /** TURN servers that accept credentials made with a shared secret; null: none. */
  turn?: TurnOptions | null;
  relay?: Partial<RelayLimits>;
  /** Origins besides our own whose pages may connect, as `https://example.org`; `*` is any. */
  allowedOrigins?: readonly string[];
  /** The most peers on each of `/mesh` and `/signal`. */
  maxPeers?: number;
  /** The most per address on each of `/mesh` and `/signal`. A school shares one address. */
  maxPerAddress?: number;
  /** The factor for the usual limits of one network: for load tests, which come from one computer. */
  networkFactor?: number;
  /**
   * What joining costs an identity once: 2 to this power hashes. Twelve take milliseconds, twenty some seconds. The
   * price rises for a network with many identities (`join-price.ts`).
   */
  joinWorkBits?: number;
  /** The names under which this mesh is dialled, with the port unless that is 80 or 443. Empty: see `HostGuard`. */
  hosts?: readonly string[];
  /** Our own reverse proxy is in front and sets X-Forwarded-For, and X-Forwarded-Host unless it leaves Host alone. */
  trustProxy?: boolean;
  /** The folder of our key and the receipts; null: they are forgotten when we close. */
  dataFolder?: string | null;
  /** The genesis of its network; a data folder that has one needs it no more. Null: see `openControlKey`. */
  genesis?: Genesis | null;
  /** The number of receipts that are kept whole. */
  deliveries?: Partial<DeliveryLimits>;
  /** How credits are used; left out: those who have some go first. */
  credits?: CreditMode;
  /** The policy file with the witnesses of the log; null: nobody has to sign it but we. */
  witnesses?: string | null;
  /** How much is audited, and by whom; the rest is as usual. */
  audits?: Partial<AuditTerms>;
  /** Providers that stand from now on as if nothing had been checked. */
  forgiven?: readonly PeerId[];
  /** Calibrations of pairs of engines that go before ours, as JSON; null: there are none. */
  calibrationsFile?: string | null;
  /** Options of Node's HTTP server, to make its timeouts shorter than ours: `headersTimeout`, `requestTimeout`. */
  http?: ServerOptions;
  /** The other instances that serve this mesh; left out: there are none. Closed along with this one. */
  cluster?: Cluster;
  clock?: Clock;
  /** Milliseconds since 1970. */
  now?: () => number;
  random?: () => number;
  log?: Logger;
}

export interface ControlPlane {
  /** The address for a person on this computer. */
  url: string;
  /** The address for a program on this computer, without a name to look up. */
  local: string;
  port: number;
  /** Idempotent. Ends every connection within a second. */
  close(): Promise<void>;
}

/** Rejects with port_in_use, or with the error of `listen`. */
export async function startControlPlane(options: ControlPlaneOptions): Promise<ControlPlane> {
  const { clock = realClock, now = Date.now, random = Math.random, log = pino({ level: 'silent' }) } = options;
  const { maxPeers = 10_000, maxPerAddress = 256, allowedOrigins = [], iceServers = [] } = options;
  const { joinWorkBits = DEFAULT_JOIN_WORK_BITS } = options;
  // First do what can fail: nothing is open yet.
  const dataFolder = options.dataFolder == null ? null : resolve(options.dataFolder);
  const folderWord = dataFolder === null ? null : makeFolder(dataFolder);
  if (folderWord !== null) log.warn(folderWord);
  const calibrations = await openCalibrations(options.calibrationsFile ?? null);
  const { genesis = null } = options;
  if (genesis !== null && dataFolder !== null) await foundIn(dataFolder, genesis, KEY_FILE);
  const key = await openControlKey(dataFolder, genesis);
  const network = key.genesis?.network ?? null;
  const leases = new LeaseOffice(key, now);
  const database = new MeshDatabase(dataFolder, 'on a thread');
  const store: DeliveryStore = new DeliveryTable(database, options.deliveries);
  const networksFor = networksReader(options.trustProxy ?? false);
  const { networkFactor = 1 } = options;
  const hosts = new Hosts({ hosts: options.hosts ?? [], trustProxy: options.trustProxy ?? false });
  const modelsFolder = options.modelsFolder == null ? null : resolve(options.modelsFolder);
  const catalogue = await readCatalogue(modelsFolder, log);
  const registry = new Registry(clock, catalogue);
  const sockets = { mesh: () => mesh.size, signal: () => signal.size, relay: () => relay.size };
  const metrics = new Metrics(registry, sockets, store);

  const app = express();
  app.disable('x-powered-by');
  app.use(securityHeaders);
  app.use(plainPath);
  app.use(hostDoor(hosts, metrics));
  const server = createServer(
    { headersTimeout: 10_000, requestTimeout: 30_000, connectionsCheckingInterval: 5000, ...options.http },
    app,
  );
  // WebSockets have no such limit: `ws` removes it, and there are pings.
  server.setTimeout(IDLE_MS);
  // A proxy has as many connections as it has visitors.
  if (options.trustProxy !== true) {
    limitConnections(server, SOCKETS_PER_PEER * maxPerAddress, () => metrics.refuse('http', 'rate_limited'));
  }
  const cluster = options.cluster ?? new MemoryHub(clock).join();
  const passes = new SignalPasses(clock, cluster.passes);
  const receipts = new ReceiptBook({
    ...{ store, issuer: leases.issuer, issued: leases.issued, threads: new SignatureThreads({ network }), clock, now },
    failed: (error) => log.error(`Receipts cannot be kept, and will be filed again later: ${reasonOf(error)}`),
  });
  const copies = new KeptTable(database);
  const credits = await openCredits({
    ...{ mode: options.credits ?? 'priority', policyFile: options.witnesses ?? null },
    ...{ key, dataFolder, database, deliveries: store, receipts, copies, clock, now, log },
    present: () => presentIn(registry, audits),
  }).catch(async (thrown: unknown) => {
    await receipts.close();
    await cluster.close();
    throw thrown;
  });
  const table = new AuditTable(database);
  await table.forgive(options.forgiven ?? []);
  const audits = new AuditOffice({
    ...{ clock, now, random, calibrations, key, leases, registry, ledger: credits.port },
    terms: votedTerms({ ...AUDIT_TERMS, ...options.audits }, credits.port),
    table,
    counts: countsIn(metrics),
    failed: (error) => log.error(`Audits cannot be kept right now: ${reasonOf(error)}`),
  });
  const relay = new Relay({ clock, metrics, cluster, limits: { ...DEFAULT_RELAY_LIMITS, ...options.relay } });
  const mesh = new Mesh({
    clock,
    random,
    registry,
    metrics,
    cluster,
    iceServers: new IceServers(iceServers, options.turn ?? null, now),
    relay,
    passes,
    leases,
    receipts,
    ledger: credits.port,
    audits,
    served: (provider) => credits.served(provider),
    allowances: new AllowanceTable(database),
    allowanceFailed: (error) => log.error(`Who had an allowance today cannot be kept right now: ${reasonOf(error)}`),
    log: credits.logNews,
    keeping: {
      ...{ now, key, catalogue, copies, platform: options.audits?.platform ?? AUDIT_TERMS.platform },
      failed: (error) => log.error(`Copies of models cannot be checked right now: ${reasonOf(error)}`),
    },
    joins: new JoinPrice(clock, joinWorkBits, cluster.paid),
    networkFactor,
  });
  const signal = new Signal(app, { clock, metrics, passes, maxPeers, server, networksOf: networksFor });
  app.get([MESH_PATH, RELAY_PATH], withoutUpgrade);
  const addressOf = (request: IncomingMessage) => networksFor(request).narrow;
  const { ledger, keeper } = credits;
  if (keeper !== null) app.use(logRouter({ clock, metrics, keeper, addressOf }));
  const { credit: named = null } = key.genesis ?? {};
  const credit = named === null ? null : { name: named.name, symbol: named.symbol };
  const about = { credit, issuer: leases.issuer, origin: noteName(leases.issuer, network), now };
  const creditPages = ledger === null ? null : new LedgerPages({ ledger, ...about });
  app.use(
    apiRouter({
      ...{
        clock,
        registry,
        metrics,
        audits,
        credits: creditPages,
        genesis: key.genesis?.bytes ?? null,
        addressOf,
        prices: mesh.prices,
      },
      offers: () => mesh.offers(),
    }),
  );
  app.use(
    gatewayRouter({ gateway: options.gateway ?? null, remoteOf: remoteReader(options.trustProxy ?? false), log }),
  );
  app.use(pagesRouter({ webFolder: resolve(options.webFolder), modelsFolder }));
  app.use(notFound);
  app.use(failed(log));
  openFrontDoor(server, {
    clock,
    mesh,
    signal,
    relay,
    metrics,
    log,
    allowedOrigins,
    maxPeers,
    maxPerAddress,
    networksOf: networksFor,
    networkFactor,
    hosts,
  });

  let closing: Promise<void> | null = null;
  const close = () =>
    (closing ??= shutDown(server, [mesh, signal, relay]).finally(async () => {
      await audits.close();
      // Before the database, which the receipts close.
      await credits.close();
      await receipts.close();
      await cluster.close();
    }));
  try {
    await listen(server, options.port, options.host);
  } catch (error) {
    await close();
    throw error;
  }
  const { address, port } = server.address() as AddressInfo;
  hosts.listensOn(address);
  log.info({ host: options.host, port }, 'the control plane listens');
  return {
    url: `http://${hostForPeople(options.host)}:${port}`,
    local: `http://${hostHere(address)}:${port}`,
    port,
    close,
  };
}

/** Who offers something, and whose answers nobody doubts. */
function* presentIn(registry: Registry, { standings }: AuditOffice): Iterable<{ peer: PeerId; network: string }> {
  for (const { peerId: peer, network, models } of registry.listed()) {
    if (models.length > 0 && standings.worst(peer) === 'good') yield { peer, network: widerNetworkOf(network) };
  }
}

/** A warning about the folder; null: none. */
function makeFolder(folder: string): string | null {
  try {
    return openDataFolder(folder);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    const message = `The folder ${folder} cannot be used (${why}). Choose another one with --data.`;
    throw new MeshError('storage_full', message, { cause });
  }
}

function listen(server: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      reject(error.code === 'EADDRINUSE' ? portInUse(port, error) : error);
    });
    server.listen(port, host, resolve);
  });
}

async function shutDown(server: Server, planes: readonly { close(): Promise<void> }[]): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  await Promise.all(planes.map((plane) => plane.close()));
  server.closeAllConnections();
  await closed;
}

function portInUse(port: number, cause: unknown): MeshError {
  const other = port < 65_535 ? port + 1 : port - 1;
  const message = `Port ${port} is in use: is a mesh already running there? Stop it, or choose another with PORT=${other} npm start.`;
  return new MeshError('port_in_use', message, { cause });
}

/** Addresses that mean "here" or "everywhere" are useless in a link. */
function hostForPeople(host: string): string {
  // Many computers know localhost only as 127.0.0.1.
  return ['127.0.0.1', '0.0.0.0', '::', 'localhost'].includes(host) ? 'localhost' : bracketed(host);
}

function hostHere(address: string): string {
  return bracketed({ '0.0.0.0': '127.0.0.1', '::': '::1' }[address] ?? address);
}

function bracketed(address: string): string {
  return address.includes(':') ? `[${address}]` : address;
}
