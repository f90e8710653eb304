/** The control WebSocket `/mesh`: everybody who is connected to it, and what they are told together. */
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Clock } from '@llmesh/core/base/clock';
import type { PeerId } from '@llmesh/core/base/ids';
import { offerKey } from '@llmesh/core/policy/offer-key';
import { MAX_TO_SERVER_BYTES } from '@llmesh/core/wire/control-protocol';
import { AddressBuckets } from '../sockets/address-buckets.ts';
import type { Networks } from '../sockets/address.ts';
import {
  boundedServer,
  closeSockets,
  cutHalfOpen,
  type BoundedServer,
  type BoundedSocket,
} from '../sockets/bounded-socket.ts';
import { Departures } from './departures.ts';
import { MATCH_RATES } from './session-matches.ts';
import { Matchmaker } from '../match/matchmaker.ts';
import { MeshSession, type MeshContext } from './mesh-session.ts';
import { NetworkRate, scaled } from '../sockets/network-rate.ts';
import { OfferBoard } from '../registry/offer-board.ts';
import { Preloading } from '../match/preloading.ts';
import { CALL_RATES, CALLED_RATE } from './session-relays.ts';
import { Reliability } from '../match/reliability.ts';
import { SlotPromises } from '../match/slot-promises.ts';
import { MatchQueues } from '../match/match-queues.ts';

export const MESH_PATH = '/mesh';
/** What is too long for a message is told so, up to here; what is longer still is cut off. */
const MAX_PAYLOAD_BYTES = 4 * MAX_TO_SERVER_BYTES;

export type MeshOptions = Omit<
  MeshContext,
  | 'queues'
  | 'reliability'
  | 'board'
  | 'departures'
  | 'preloading'
  | 'sessions'
  | 'matchRate'
  | 'callRate'
  | 'calledRate'
> & {
  random: () => number;
  /** How many times the usual one network may ask. */
  networkFactor?: number;
};

export class Mesh {
  readonly #clock: Clock;
  readonly #sockets: BoundedServer;
  readonly #sessions = new Map<PeerId, MeshSession>();
  readonly #board: OfferBoard;
  readonly #queues: MatchQueues;
  readonly #preloading: Preloading;
  readonly #context: MeshContext;
  readonly #ofSocket = new WeakMap<Duplex, MeshSession>();
  readonly #stopPings: () => void;

  constructor(options: MeshOptions) {
    const { random, networkFactor = 1, ...rest } = options;
    const { clock, registry, metrics, receipts } = rest;
    this.#clock = clock;
    this.#sockets = boundedServer({ maxPayload: MAX_PAYLOAD_BYTES });
    this.#board = new OfferBoard(
      clock,
      () => registry.offers(),
      () => [...this.#sessions.values()],
      () => rest.leases.nowMs,
    );
    const reliability = new Reliability(clock);
    const promises = new SlotPromises(clock, registry);
    receipts.onKept = (delivered) => {
      promises.delivered(delivered.lease.requester, delivered.lease.provider);
      if (delivered.kind !== 'receipt') return;
      const { lease, units, startedMs, endedMs } = delivered;
      const ms = endedMs - startedMs;
      const { requester, provider } = lease;
      const offer = offerKey(lease);
      const network = this.#sessions.get(requester)?.from.narrow ?? '';
      reliability.finished(provider, { offer, units, ms }, { requester, network });
      this.#preloading.answered(offer, ms);
    };
    const matchmaker = new Matchmaker(registry, reliability, random);
    const changed = (waiting: number) => {
      metrics.waiting = waiting;
    };
    this.#queues = new MatchQueues({ clock, registry, matchmaker, promises, changed });
    this.#preloading = new Preloading({
      clock,
      registry,
      matchmaker,
      waiting: (offer) => this.#queues.waiting(offer),
      expect: (provider, offer) => {
        metrics.expected.inc();
        this.#sessions.get(provider)?.expect(offer);
      },
    });
    const departures = new Departures();
    this.#context = {
      ...rest,
      queues: this.#queues,
      reliability,
      board: this.#board,
      departures,
      preloading: this.#preloading,
      sessions: this.#sessions,
      matchRate: new NetworkRate(clock, scaled(MATCH_RATES, networkFactor)),
      callRate: new NetworkRate(clock, CALL_RATES),
      calledRate: new AddressBuckets(clock, CALLED_RATE),
    };
    this.#stopPings = cutHalfOpen(this.#sockets, clock);
  }

  /** A peer has come, by whatever way. `hosts`: what it may have dialled. */
  join(socket: BoundedSocket, hosts: readonly string[], from: Networks): MeshSession {
    return new MeshSession(socket, hosts, from, this.#context);
  }

  /** The peer on this connection has to go, so that another one can come. */
  giveWay(socket: Duplex): void {
    this.#ofSocket.get(socket)?.giveWay();
  }

  get size(): number {
    return this.#sockets.clients.size;
  }

  accept(request: IncomingMessage, socket: Duplex, head: Buffer, from: Networks, hosts: readonly string[]): void {
    this.#sockets.handleUpgrade(request, socket, head, (ws) => {
      this.#sockets.emit('connection', ws, request);
      this.#ofSocket.set(socket, this.join(ws, hosts, from));
    });
  }

  async close(): Promise<void> {
    this.#stopPings();
    this.#board.close();
    this.#queues.close();
    this.#preloading.close();
    await closeSockets(this.#sockets, this.#clock);
  }
}
