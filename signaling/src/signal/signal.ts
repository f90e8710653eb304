/** PeerServer, unchanged but with limits around it: it introduces PeerJS clients to each other at `/signal`. */
import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Express } from 'express';
import { ExpressPeerServer } from 'peer';
import type { Clock } from '@llmesh/core/base/clock';
import { isPeerId, newPeerId, type PeerId } from '@llmesh/core/base/ids';
import {
  boundedServer,
  CLOSE,
  closeSockets,
  cutHalfOpen,
  type BoundedServer,
  type BoundedSocket,
} from '../sockets/bounded-socket.ts';
import type { Networks } from '../sockets/address.ts';
import type { Metrics } from '../metrics.ts';
import type { SignalPasses } from './signal-passes.ts';
import { MAX_SIGNAL_BYTES, SignalGuard, AbsentQueues, type Verdict } from './signal-guard.ts';
import { SignalTraffic } from './signal-traffic.ts';
import type { Refusal } from '../sockets/turn-away.ts';

/** The options of PeerJS clients: `{path: '/signal', key: 'peerjs'}`. */
export const SIGNAL_PATH = '/signal';
export const SIGNAL_SOCKET_PATH = `${SIGNAL_PATH}/peerjs`;
const KEY = 'peerjs';
/** Messages to an absent peer wait this long for it to come back; then the sender hears EXPIRE. */
const EXPIRE_MS = 2000;
const SWEEP_MS = 500;
/** PeerJS beats every 5 s, but a hidden tab's timers may run once a minute. Dead connections are found by pings. */
const ALIVE_MS = 90_000;

export interface SignalOptions {
  clock: Clock;
  metrics: Metrics;
  /** The tokens that the control plane gave to peers that proved their key. */
  passes: SignalPasses;
  maxPeers: number;
  /** PeerServer demands it, but does not use it unless it is to listen itself. */
  server: Server;
  networksOf: (request: IncomingMessage) => Networks;
}

export class Signal {
  readonly #clock: Clock;
  readonly #metrics: Metrics;
  readonly #sockets: BoundedServer;
  readonly #clients = new Map<PeerId, BoundedSocket>();
  readonly #passes: SignalPasses;
  readonly #waiting: AbsentQueues;
  readonly #traffic: SignalTraffic;
  readonly #networksOf: (request: IncomingMessage) => Networks;
  readonly #stopPings: () => void;

  constructor(app: Express, options: SignalOptions) {
    this.#clock = options.clock;
    this.#metrics = options.metrics;
    this.#passes = options.passes;
    this.#traffic = new SignalTraffic(options.clock);
    this.#networksOf = options.networksOf;
    this.#waiting = new AbsentQueues(options.clock, (peer) => this.#clients.has(peer), EXPIRE_MS + SWEEP_MS);
    this.#sockets = boundedServer({ path: SIGNAL_SOCKET_PATH, maxPayload: MAX_SIGNAL_BYTES });
    // Before PeerServer's own listener, so that the guard comes first.
    this.#sockets.on('connection', (socket, request) => this.#guard(socket, request));
    this.#stopPings = cutHalfOpen(this.#sockets, options.clock);
    const peerServer = ExpressPeerServer(options.server, {
      path: '/',
      key: KEY,
      alive_timeout: ALIVE_MS,
      expire_timeout: EXPIRE_MS,
      cleanup_out_msgs: SWEEP_MS,
      concurrent_limit: options.maxPeers,
      allow_discovery: false,
      corsOptions: { origin: false },
      generateClientId: newPeerId,
      createWebSocketServer: () => this.#sockets,
    });
    peerServer.disable('x-powered-by');
    // Without a listener an 'error' event would end the process. Every cause is counted where it happens.
    peerServer.on('error', () => {});
    app.use(SIGNAL_PATH, peerServer);
  }

  get size(): number {
    return this.#sockets.clients.size;
  }

  /** Null: `accept` may take it. An id is only for a peer that proved its key on `/mesh`, with that session's token. */
  async refusalOf(request: IncomingMessage): Promise<Refusal | null> {
    const who = identify(request);
    if (who === null)
      return { status: 400, code: 'bad_message', why: 'Not an id, token and key of a peer of this mesh.' };
    if (await this.#passes.admits(who.id, who.token)) return null;
    return {
      status: 401,
      code: 'not_proven',
      why: 'This token does not open this id, or no longer does. Join on /mesh first.',
    };
  }

  /** Call only when `refusalOf` returned null. */
  accept(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const who = identify(request);
    const before = who === null ? undefined : this.#clients.get(who.id);
    if (before === undefined) {
      this.#sockets.handleUpgrade(request, socket, head, (ws) => this.#sockets.emit('connection', ws, request));
      return;
    }
    // The same peer is back before its old connection ended. PeerServer would say ID-TAKEN, or swap the sockets and
    // never say OPEN: so the old one goes first.
    // OPEN: so the old one goes first.
    before.once('close', () => this.accept(request, socket, head));
    before.terminate();
  }

  /** PeerServer's two timers cannot be stopped from outside: the process has to end on its own. */
  async close(): Promise<void> {
    this.#stopPings();
    await closeSockets(this.#sockets, this.#clock);
  }

  #guard(socket: BoundedSocket, request: IncomingMessage): void {
    const who = identify(request);
    if (who !== null) {
      this.#clients.set(who.id, socket);
      socket.on('close', () => {
        if (this.#clients.get(who.id) === socket) this.#clients.delete(who.id);
      });
    }
    const sender = { peer: who?.id ?? NOBODY, from: this.#networksOf(request) };
    const guard = new SignalGuard(this.#clock, this.#waiting, this.#traffic, sender);
    socket.slow = () => this.#metrics.refuse('signal', 'slow_reader');
    socket.on('error', (error: Error & { code?: string }) => {
      const tooLarge = error.code === 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH';
      this.#metrics.refuse('signal', tooLarge ? 'message_too_large' : 'bad_message');
    });
    socket.admit = (data, isBinary) => {
      const verdict = guard.judge(data, isBinary);
      if (verdict.pass) this.#metrics.signalling.inc({ type: verdict.type });
      else this.#refuse(socket, verdict);
      return verdict.pass;
    };
  }

  #refuse(socket: BoundedSocket, verdict: Extract<Verdict, { pass: false }>): void {
    this.#metrics.refuse('signal', verdict.code);
    if (!verdict.close) return;
    socket.admit = () => false;
    // PeerJS shows this message in its `server-error`.
    socket.send(JSON.stringify({ type: 'ERROR', payload: { msg: verdict.why } }));
    socket.close(verdict.code === 'rate_limited' ? CLOSE.rateLimited : CLOSE.badMessage, verdict.why);
  }
}

/** PeerServer refuses clients without an id. */
const NOBODY = '' as PeerId;

/** Each parameter exactly once: of several, PeerServer takes the last, others the first. */
function identify(request: IncomingMessage): { id: PeerId; token: string } | null {
  const { searchParams } = new URL(request.url ?? '/', 'http://mesh');
  const one = (name: string) => (searchParams.getAll(name).length === 1 ? searchParams.get(name) : null);
  const id = one('id');
  const token = one('token');
  if (!isPeerId(id) || token === null || !/^[\w-]{1,128}$/.test(token) || one('key') !== KEY) return null;
  return { id, token };
}
