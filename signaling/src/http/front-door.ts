/** Who may open which WebSocket here: the one place that answers `upgrade`. */
import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import type { RequestHandler } from 'express';
import type { Logger } from 'pino';
import type { Clock } from '@llmesh/core/base/clock';
import type { PeerId } from '@llmesh/core/base/ids';
import { hostAdvice } from '@llmesh/core/base/host-guard';
import type { Networks } from '../sockets/address.ts';
import { sendError } from './api.ts';
import { FORBIDDEN_HOST, statusOf } from './host-door.ts';
import type { Hosts } from './hosts.ts';
import { MESH_PATH, type Mesh } from '../session/mesh.ts';
import type { Metrics, SocketKind } from '../metrics.ts';
import { AddressBuckets } from '../sockets/address-buckets.ts';
import { RELAY_PATH, type Relay } from '../relay/relay.ts';
import { Shares } from '../sockets/shares.ts';
import { SIGNAL_SOCKET_PATH, type Signal } from '../signal/signal.ts';
import { turnAway, type Refusal } from '../sockets/turn-away.ts';

/**
 * New WebSockets from one address: each may cost a signature check, some milliseconds. A school that comes back all at
 * once after a restart must get in.
 */
const OPENING_RATE = { perSecond: 20, burst: 600 };
/** A wide network may open this many times as much as a narrow one. How much it may hold depends on the others. */
const WIDE = 4;
const KINDS: ReadonlyMap<string, SocketKind> = new Map([
  [MESH_PATH, 'mesh'],
  [SIGNAL_SOCKET_PATH, 'signal'],
  [RELAY_PATH, 'relay'],
]);

export interface FrontDoorOptions {
  clock: Clock;
  mesh: Mesh;
  signal: Signal;
  relay: Relay;
  metrics: Metrics;
  log: Logger;
  /** Origins besides our own whose pages may connect; `*` is any. */
  allowedOrigins: readonly string[];
  maxPeers: number;
  /** WebSockets of one kind from one address. */
  maxPerAddress: number;
  networksOf: (request: IncomingMessage) => Networks;
  /** The factor for the usual limits of one network, see `server.ts`. */
  networkFactor: number;
  hosts: Hosts;
}

export function openFrontDoor(server: Server, options: FrontDoorOptions): void {
  const { mesh, signal, relay, metrics, hosts, log, clock } = options;
  const open: Readonly<Record<SocketKind, Shares<Duplex>>> = {
    mesh: new Shares(),
    signal: new Shares(),
    relay: new Shares(),
  };
  const openings = (times: number) => {
    const factor = times * options.networkFactor;
    return new AddressBuckets(clock, {
      perSecond: factor * OPENING_RATE.perSecond,
      burst: factor * OPENING_RATE.burst,
    });
  };
  const [narrowOpenings, wideOpenings] = [openings(1), openings(WIDE)];

  server.on('upgrade', (request, socket, head) => {
    // A reset before `ws` takes over must not end the process.
    socket.on('error', (error) => log.debug({ err: error }, 'a connection broke during its handshake'));
    const fault = hosts.faultOf(request);
    if (fault !== null) return refuse(statusOf(fault), 'http', FORBIDDEN_HOST, hostAdvice(fault));
    const kind = KINDS.get(pathOf(request) ?? '');
    if (kind === undefined)
      return refuse(
        404,
        'http',
        'not_found',
        `There is no WebSocket here. The mesh's are ${MESH_PATH}, /signal and ${RELAY_PATH}.`,
      );
    if (!originAllowed(request.headers.origin, hosts.asked(request), options.allowedOrigins)) {
      return refuse(
        403,
        kind,
        'forbidden_origin',
        "This page's origin may not use this mesh. Its operator can add it to LLMESH_ORIGINS.",
      );
    }
    const from = options.networksOf(request);
    // The identity is not known yet.
    const holder = { peer: NOBODY, from };
    if (kind === 'mesh') {
      if (!mayOpen(kind)) return;
      const gone = mesh.size >= options.maxPeers ? open.mesh.yielding(holder) : null;
      if (mesh.size >= options.maxPeers && gone === null) return refuse(503, kind, 'busy', FULL);
      if (gone !== null) {
        open.mesh.remove(gone);
        mesh.giveWay(gone);
      }
      hold(kind);
      mesh.accept(request, socket, head, from, hosts.dialled(request));
    } else if (kind === 'signal') {
      if (!mayOpen(kind)) return;
      if (signal.size >= options.maxPeers) return refuse(503, kind, 'busy', FULL);
      // Counted before the check, so that no more than the limit can be checked at once.
      hold(kind);
      void refusalBy(signal, request).then((refusal) => {
        if (refusal === null) return signal.accept(request, socket, head);
        open.signal.remove(socket);
        refuse(refusal.status, kind, refusal.code, refusal.why);
      });
    } else {
      void refusalBy(relay, request).then(async (refusal) => {
        // A ticket holder was counted by identity when it got the ticket, so a crowd does not lock out its neighbours.
        if (refusal !== null && !mayOpen(kind)) return;
        if (relay.size >= options.maxPeers) return refuse(503, kind, 'busy', FULL);
        if (refusal !== null) return refuse(refusal.status, kind, refusal.code, refusal.why);
        if (socket.destroyed) return;
        hold(kind);
        await relay.accept(request, socket, head);
      });
    }

    /** False: refused, and the client was told why. */
    function mayOpen(kind: SocketKind): boolean {
      if (!(narrowOpenings.take(`${kind} ${from.narrow}`) && wideOpenings.take(`${kind} ${from.wide}`))) {
        refuse(429, kind, 'rate_limited', 'Too many new connections from this address. Try again in a minute.');
        return false;
      }
      if (open[kind].ofNetwork(from) < options.maxPerAddress) return true;
      refuse(429, kind, 'rate_limited', 'Too many connections from this address.');
      return false;
    }

    function hold(kind: SocketKind): void {
      open[kind].add(socket, holder);
      socket.once('close', () => open[kind].remove(socket));
    }

    function refuse(status: number, plane: Parameters<Metrics['refuse']>[0], code: string, message: string): void {
      metrics.refuse(plane, code);
      log.debug({ status, code }, 'refused a WebSocket');
      turnAway(socket, { status, code, why: message });
    }
  });
}

/** Never rejects: when the look-up fails now, the client may try again. */
async function refusalBy(plane: Signal | Relay, request: IncomingMessage): Promise<Refusal | null> {
  try {
    return await plane.refusalOf(request);
  } catch {
    return { status: 503, code: 'busy', why: 'The mesh cannot look that up right now. Try again in a moment.' };
  }
}

const FULL = 'The mesh is full. Try again later.';

/** It arrived as a plain request: a proxy removed the upgrade headers. Programs look at the status. */
export const withoutUpgrade: RequestHandler = (_request, response) => {
  response.set({ Upgrade: 'websocket', 'Cache-Control': 'no-store' });
  const what = 'This is a WebSocket. A proxy in front of this server must pass on Upgrade and Connection.';
  sendError(response, 426, 'upgrade_required', what);
};
/** Counts by network alone. */
const NOBODY = '' as PeerId;

/** Null: it is not a path that our own URLs could have. */
function pathOf(request: IncomingMessage): string | null {
  const url = request.url ?? '';
  return url.startsWith('/') && URL.canParse(url, 'http://mesh') ? new URL(url, 'http://mesh').pathname : null;
}

/** Programs send no Origin. A browser sends that of the page, which must come from the host it connects to. */
function originAllowed(origin: string | undefined, host: string, allowed: readonly string[]): boolean {
  if (origin === undefined || allowed.includes('*') || allowed.includes(origin)) return true;
  return /^https?:/.test(origin) && URL.canParse(origin) && new URL(origin).host === host;
}
