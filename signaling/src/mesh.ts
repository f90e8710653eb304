/** The control WebSocket `/mesh`: everybody who is connected to it, and what they are told together. */
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Clock } from '@llmesh/core/clock';
import type { PeerId } from '@llmesh/core/ids';
import { MAX_MESSAGE_BYTES, type IceServer } from '@llmesh/core/protocol';
import { boundedServer, closeSockets, cutHalfOpen, type BoundedServer } from './bounded-socket.ts';
import { Matchmaker } from './matchmaker.ts';
import { MeshSession } from './mesh-session.ts';
import type { Metrics } from './metrics.ts';
import { OfferBoard } from './offer-board.ts';
import type { PaidWork } from './paid-work.ts';
import type { Registry } from './registry.ts';
import type { SignalPasses } from './signal-passes.ts';

export const MESH_PATH = '/mesh';

export interface MeshOptions {
  clock: Clock;
  random: () => number;
  registry: Registry;
  metrics: Metrics;
  iceServers: readonly IceServer[];
  passes: SignalPasses;
  paid: PaidWork;
  joinWorkBits: number;
}

export class Mesh {
  readonly #clock: Clock;
  readonly #sockets: BoundedServer;
  readonly #sessions = new Map<PeerId, MeshSession>();
  readonly #board: OfferBoard;
  readonly #stopPings: () => void;

  constructor(options: MeshOptions) {
    const { clock, registry, metrics, iceServers, passes, paid, joinWorkBits } = options;
    this.#clock = clock;
    this.#sockets = boundedServer({ maxPayload: MAX_MESSAGE_BYTES });
    this.#board = new OfferBoard(
      clock,
      () => registry.offers(),
      (json) => {
        for (const session of this.#sessions.values()) session.send(json);
      },
    );
    const matchmaker = new Matchmaker(registry, options.random);
    const context = {
      clock,
      registry,
      matchmaker,
      board: this.#board,
      metrics,
      iceServers,
      passes,
      paid,
      joinWorkBits,
      sessions: this.#sessions,
    };
    this.#sockets.on('connection', (socket) => new MeshSession(socket, context));
    this.#stopPings = cutHalfOpen(this.#sockets, clock);
  }

  get size(): number {
    return this.#sockets.clients.size;
  }

  accept(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    this.#sockets.handleUpgrade(request, socket, head, (ws) => this.#sockets.emit('connection', ws, request));
  }

  async close(): Promise<void> {
    this.#stopPings();
    this.#board.close();
    await closeSockets(this.#sockets, this.#clock);
  }
}
