/**
 * The transport through the control plane, for peers between which nothing else works, or whose addresses stay private. The
 * dialler asks on `/mesh` for a relayed link; each end gets a ticket, opens `/relay` with it, and the server joins the two.
 * It has to be sealed: the server sees every byte.
 */
import { onAbort, untilAborted } from '../base/abort.ts';
import type { Clock } from '../base/clock.ts';
import { asMeshError, cancelled, MeshError } from '../base/errors.ts';
import type { PeerId } from '../base/ids.ts';
import { RelayLink, type RelayEnds, type RelaySocket } from './relay-link.ts';
import type { Link, Transport } from './transport.ts';

/** The server waits 10 s for both ends; a dialler has less patience. */
const OPEN_TIMEOUT_MS = 8_000;
/** How many calls are answered at once; each costs a WebSocket. */
const MAX_OPENING = 32;

export interface RelayTransportOptions {
  self: PeerId;
  /** ws: or wss: URL of `/relay` */
  url: string;
  openSocket: (url: string) => RelaySocket;
  /** Asks the control plane for a ticket to `peer`, see `ControlClient.relay`. */
  ticketTo: (peer: PeerId, signal: AbortSignal) => Promise<string>;
  clock: Clock;
}

export class RelayTransport implements Transport {
  readonly self: PeerId;
  accept: ((link: Link) => void) | null = null;
  #options: RelayTransportOptions;
  #links = new Set<RelayLink>();
  #answering = 0;
  #closing = new AbortController();
  #start: () => void = () => {};
  #started = new Promise<void>((resolve) => {
    this.#start = resolve;
  });

  constructor(options: RelayTransportOptions) {
    this.self = options.self;
    this.#options = options;
  }

  /** The control plane has let us in, so others can call. */
  start(): void {
    this.#start();
  }

  async dial(peer: PeerId, signal: AbortSignal): Promise<Link> {
    const either = AbortSignal.any([signal, this.#closing.signal]);
    let ticket: string;
    try {
      ticket = await this.#options.ticketTo(peer, either);
    } catch (thrown) {
      const error = asMeshError(thrown, 'connect_failed', 'Could not make a relayed connection.');
      if (error.code === 'cancelled' || error.code === 'control_unreachable') throw error;
      // Even if this server refuses, another provider may be reached.
      throw new MeshError('connect_failed', error.message, { cause: error });
    }
    return this.#open(ticket, peer, { dialler: this.self, acceptor: peer }, either);
  }

  /** `peer` calls us; `ticket` opens our end. */
  called(peer: PeerId, ticket: string): void {
    if (this.accept === null || this.#closing.signal.aborted || this.#answering >= MAX_OPENING) return;
    this.#answering += 1;
    this.#open(ticket, peer, { dialler: peer, acceptor: this.self }, this.#closing.signal)
      .then(
        (link) => {
          if (this.accept === null) link.close();
          else this.accept(link);
        },
        () => {
          // The one who called hears it from their own end.
        },
      )
      .finally(() => {
        this.#answering -= 1;
      });
  }

  async reachable(signal: AbortSignal): Promise<void> {
    await untilAborted(this.#started, AbortSignal.any([signal, this.#closing.signal]));
  }

  close(): void {
    this.#closing.abort();
    for (const link of this.#links) link.close();
  }

  #open(ticket: string, peer: PeerId, ends: RelayEnds, signal: AbortSignal): Promise<RelayLink> {
    if (signal.aborted) return Promise.reject(cancelled());
    const { url, openSocket, clock } = this.#options;
    const socket = openSocket(`${url}?ticket=${ticket}`);
    socket.binaryType = 'arraybuffer';
    // A `close` event always follows; without a listener `ws` would throw.
    socket.onerror = () => {};
    return new Promise((resolve, reject) => {
      const settle = () => {
        stopTimer();
        stopAbort();
        socket.onopen = socket.onclose = null;
      };
      const fail = (error: MeshError) => {
        settle();
        socket.close();
        reject(error);
      };
      const broken = () => new MeshError('connect_failed', 'Could not make a relayed connection to that computer.');
      const stopTimer = clock.after(OPEN_TIMEOUT_MS, () => fail(broken()));
      const stopAbort = onAbort(signal, () => fail(cancelled()));
      socket.onclose = () => fail(broken());
      socket.onopen = () => {
        settle();
        const link = new RelayLink(socket, peer, ends, clock, () => this.#links.delete(link));
        this.#links.add(link);
        resolve(link);
      };
    });
  }
}
