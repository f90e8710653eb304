/**
 * The relay of last resort, `/relay`: connects two peers that cannot reach each other, or do not want to be seen. It
 * passes on sealed bytes that it cannot read, and no more of them than it has to.
 */
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Clock } from '@llmesh/core/base/clock';
import { asMeshError } from '@llmesh/core/base/errors';
import type { PeerId } from '@llmesh/core/base/ids';
import { TokenBucket } from '@llmesh/core/base/token-bucket';
import {
  boundedServer,
  CLOSE,
  closeSockets,
  cutHalfOpen,
  PING_MS,
  type BoundedServer,
  type BoundedSocket,
} from '../sockets/bounded-socket.ts';
import type { Cluster } from '../cluster/cluster.ts';
import type { Metrics } from '../metrics.ts';
import { RelayPlaces, type Place } from './relay-places.ts';
import { RelayTickets, TICKET_MS } from './relay-tickets.ts';
import { RelayedLink } from './relayed-link.ts';
import type { Holder } from '../sockets/shares.ts';
import { turnAway, type Refusal } from '../sockets/turn-away.ts';
import { MAX_SEALED_BYTES } from '@llmesh/core/protocol';

export const RELAY_PATH = '/relay';
/** What one peer may send at once, in seconds of its rate. */
const BURST_SECONDS = 4;

export interface RelayLimits {
  /** The most simultaneous links in all. 0: there is no relay. */
  maxLinks: number;
  /** The rate at which one peer may send, over all of its links. Faster ones are slowed down. */
  bytesPerSecond: number;
}

export const DEFAULT_RELAY_LIMITS: RelayLimits = { maxLinks: 1_000, bytesPerSecond: 524_288 };

export interface RelayOptions {
  clock: Clock;
  metrics: Metrics;
  limits: RelayLimits;
  cluster: Pick<Cluster, 'instance' | 'tickets'>;
}

/** A link that two peers may open now. */
export interface Introduction {
  /** The tickets of both. */
  caller: string;
  callee: string;
  /** It will not open. Idempotent. */
  cancel(): void;
}

interface Upgrade {
  request: IncomingMessage;
  socket: Duplex;
  head: Buffer;
}

/** A place whose ends have yet to come. */
interface Meeting {
  came: [Upgrade | null, Upgrade | null];
  stopTimer: () => void;
}

export class Relay {
  readonly #options: RelayOptions;
  readonly #sockets: BoundedServer;
  readonly #places: RelayPlaces;
  readonly #tickets: RelayTickets;
  readonly #meetings = new Map<Place, Meeting>();
  readonly #links = new Map<Place, RelayedLink>();
  /** The budgets of peers that have links. */
  readonly #budgets = new Map<PeerId, { bucket: TokenBucket; links: number }>();
  readonly #stopPings: () => void;
  #stopSweep: () => void;

  constructor(options: RelayOptions) {
    this.#options = options;
    this.#places = new RelayPlaces(options.clock, options.limits.maxLinks);
    this.#tickets = new RelayTickets(options.cluster.instance, options.cluster.tickets);
    this.#sockets = boundedServer({ maxPayload: MAX_SEALED_BYTES });
    this.#stopPings = cutHalfOpen(this.#sockets, options.clock);
    this.#stopSweep = options.clock.after(PING_MS, () => this.#sweep());
  }

  /** The number of sockets: two for each link. */
  get size(): number {
    return this.#sockets.clients.size;
  }

  /** A link for two peers that are here; null: there is no free place. Rejects with busy if no tickets can be had. */
  async introduce(caller: Holder, callee: PeerId): Promise<Introduction | null> {
    const { place, gone } = this.#places.hold(caller, callee);
    for (const each of gone) {
      this.#turnOut(each, { status: 503, code: 'busy', why: GAVE_WAY });
      this.#links.get(each)?.close(CLOSE.busy, GAVE_WAY);
    }
    if (place === null) return null;
    const cancel = () => this.#turnOut(place, ALONE);
    this.#meetings.set(place, { came: [null, null], stopTimer: this.#options.clock.after(TICKET_MS, cancel) });
    try {
      const [ours, theirs] = await this.#tickets.issue(place);
      return { caller: ours, callee: theirs, cancel };
    } catch (thrown) {
      cancel();
      throw asMeshError(thrown, 'busy', NO_TICKETS);
    }
  }

  /** Null: `accept` may take it. */
  async refusalOf(request: IncomingMessage): Promise<Refusal | null> {
    const where = await this.#tickets.find(ticketOf(request));
    if (where === 'here') return null;
    if (where === 'elsewhere') return { status: 421, code: 'elsewhere', why: ELSEWHERE };
    return { status: 401, code: 'not_proven', why: 'This ticket does not open a link, or no longer does.' };
  }

  /** Call only when `refusalOf` returned null. Becomes a WebSocket when the other end is here, too. */
  async accept(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    const taken = await this.#tickets.take(ticketOf(request)).catch(() => null);
    const meeting = taken === null ? undefined : this.#meetings.get(taken.place);
    if (taken === null || meeting === undefined) {
      socket.destroy();
      return;
    }
    if (taken.side === 0) this.#places.came(taken.place);
    meeting.came[taken.side] = { request, socket, head };
    const [caller, callee] = meeting.came;
    if (caller === null || callee === null) return;
    meeting.stopTimer();
    this.#meetings.delete(taken.place);
    this.#join(taken.place, caller, callee);
  }

  async close(): Promise<void> {
    this.#stopPings();
    this.#stopSweep();
    for (const place of this.#meetings.keys()) this.#turnOut(place, ALONE);
    await closeSockets(this.#sockets, this.#options.clock);
  }

  #join(place: Place, caller: Upgrade, callee: Upgrade): void {
    const a = this.#upgraded(caller);
    const b = this.#upgraded(callee);
    if (a === null || b === null) {
      // One of them did not ask for a WebSocket, or is gone.
      for (const socket of [a, b]) socket?.terminate();
      this.#release(place);
      return;
    }
    const { clock, metrics } = this.#options;
    const link: RelayedLink = new RelayedLink({
      ends: [
        { socket: a, budget: this.#budget(place.caller.peer) },
        { socket: b, budget: this.#budget(place.callee) },
      ],
      clock,
      passed: (byteCount) => metrics.relayedBytes.inc(byteCount),
      refused: (code) => metrics.refuse('relay', code),
      ended: () => {
        this.#links.delete(place);
        this.#release(place);
        for (const peer of [place.caller.peer, place.callee]) this.#giveBack(peer);
      },
    });
    this.#links.set(place, link);
  }

  /** `ws` answers invalid requests with an error on its own. */
  #upgraded({ request, socket, head }: Upgrade): BoundedSocket | null {
    let upgraded: BoundedSocket | null = null;
    this.#sockets.handleUpgrade(request, socket, head, (ws) => {
      this.#sockets.emit('connection', ws, request);
      upgraded = ws;
    });
    return upgraded;
  }

  /** This link will not open. */
  #turnOut(place: Place, refusal: Refusal): void {
    const meeting = this.#meetings.get(place);
    if (meeting === undefined) return;
    meeting.stopTimer();
    this.#meetings.delete(place);
    this.#release(place);
    for (const came of meeting.came) {
      if (came !== null) turnAway(came.socket, refusal);
    }
  }

  #release(place: Place): void {
    this.#tickets.revoke(place);
    this.#places.release(place);
  }

  #budget(peer: PeerId): TokenBucket {
    const { clock, limits } = this.#options;
    const { bytesPerSecond } = limits;
    const budget = this.#budgets.get(peer) ?? {
      bucket: new TokenBucket(clock, { perSecond: bytesPerSecond, burst: BURST_SECONDS * bytesPerSecond }),
      links: 0,
    };
    budget.links += 1;
    this.#budgets.set(peer, budget);
    return budget.bucket;
  }

  #giveBack(peer: PeerId): void {
    const budget = this.#budgets.get(peer);
    if (budget === undefined) return;
    budget.links -= 1;
    if (budget.links === 0) this.#budgets.delete(peer);
  }

  #sweep(): void {
    for (const link of this.#links.values()) if (link.outlived) link.close(CLOSE.goingAway, 'Open for too long.');
    this.#stopSweep = this.#options.clock.after(PING_MS, () => this.#sweep());
  }
}

const ALONE: Refusal = { status: 504, code: 'alone', why: 'The other end did not come.' };
const ELSEWHERE = 'The other end of this link comes to another server of this mesh.';
const NO_TICKETS = 'No relayed connection can be made right now. Try again in a moment.';
const GAVE_WAY = 'Somebody who has fewer relayed connections needs this one.';

function ticketOf(request: IncomingMessage): string {
  return new URL(request.url ?? '/', 'http://mesh').searchParams.get('ticket') ?? '';
}
