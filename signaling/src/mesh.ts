/** The control WebSocket `/mesh`: everybody who is connected to it, and what they are told together. */
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Clock } from '@llmesh/core/clock';
import type { PeerId } from '@llmesh/core/ids';
import { MAX_TO_SERVER_BYTES } from '@llmesh/core/control-protocol';
import { boundedServer, closeSockets, cutHalfOpen, type BoundedServer, type BoundedSocket } from './bounded-socket.ts';
import { Departures } from './departures.ts';
import { Matchmaker } from './matchmaker.ts';
import { MeshSession, type MeshContext } from './mesh-session.ts';
import { OfferBoard } from './offer-board.ts';
import { Preloading } from './preloading.ts';
import { Reliability } from './reliability.ts';
import { SlotPromises } from './slot-promises.ts';
import { WaitingRoom } from './waiting-room.ts';

export const MESH_PATH = '/mesh';
/** What is too long for a message is told so, up to here; what is longer still is cut off. */
const MAX_PAYLOAD_BYTES = 4 * MAX_TO_SERVER_BYTES;

export type MeshOptions = Omit<
  MeshContext,
  'room' | 'reliability' | 'board' | 'departures' | 'preloading' | 'sessions'
> & {
  random: () => number;
};

export class Mesh {
  readonly #clock: Clock;
  readonly #sockets: BoundedServer;
  readonly #sessions = new Map<PeerId, MeshSession>();
  readonly #board: OfferBoard;
  readonly #room: WaitingRoom;
  readonly #preloading: Preloading;
  readonly #context: MeshContext;
  readonly #stopPings: () => void;

  constructor(options: MeshOptions) {
    const { random, ...rest } = options;
    const { clock, registry, metrics, receipts } = rest;
    this.#clock = clock;
    this.#sockets = boundedServer({ maxPayload: MAX_PAYLOAD_BYTES });
    this.#board = new OfferBoard(
      clock,
      () => registry.offers(),
      () => [...this.#sessions.values()],
    );
    const reliability = new Reliability(clock);
    receipts.onKept = (delivered) => {
      if (delivered.kind !== 'receipt') return;
      const { lease, tokens, startedMs, endedMs } = delivered;
      const ms = endedMs - startedMs;
      const { requester, provider, model } = lease;
      const network = this.#sessions.get(requester)?.network ?? '';
      reliability.finished(provider, { model, tokens, ms }, { requester, network });
      this.#preloading.answered(lease.model, ms);
    };
    const promises = new SlotPromises(clock, registry);
    const matchmaker = new Matchmaker(registry, reliability, random);
    const changed = (waiting: number) => {
      metrics.waiting = waiting;
    };
    this.#room = new WaitingRoom({ clock, registry, matchmaker, promises, changed });
    this.#preloading = new Preloading({
      ...{ clock, registry, matchmaker },
      waiting: (model) => this.#room.waiting(model),
      expect: (provider, model) => {
        metrics.expected.inc();
        this.#sessions.get(provider)?.expect(model);
      },
    });
    const departures = new Departures();
    this.#context = {
      ...rest,
      room: this.#room,
      reliability,
      board: this.#board,
      departures,
      preloading: this.#preloading,
      sessions: this.#sessions,
    };
    this.#stopPings = cutHalfOpen(this.#sockets, clock);
  }

  /** A peer has come, by whatever way. `hosts`: what it may have dialled; `network`: whence, as `address.ts` counts. */
  join(socket: BoundedSocket, hosts: readonly string[], network: string): void {
    new MeshSession(socket, hosts, network, this.#context);
  }

  get size(): number {
    return this.#sockets.clients.size;
  }

  accept(request: IncomingMessage, socket: Duplex, head: Buffer, hosts: readonly string[], network: string): void {
    this.#sockets.handleUpgrade(request, socket, head, (ws) => {
      this.#sockets.emit('connection', ws, request);
      this.join(ws, hosts, network);
    });
  }

  async close(): Promise<void> {
    this.#stopPings();
    this.#board.close();
    this.#room.close();
    this.#preloading.close();
    await closeSockets(this.#sockets, this.#clock);
  }
}
