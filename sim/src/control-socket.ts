/** The WebSocket between a peer and the control plane, without the web: two ends, and the way between them. */
import { EventEmitter } from 'node:events';
import type { SocketLike } from '@llmesh/core/control/control-connection';
import type { PeerSocket } from '@llmesh/signaling/sockets/peer-socket';
import type { VirtualClock } from './virtual-clock.ts';

/** After this long without a pong the server cuts the connection. The peer hears of that when it can be reached again. */
const CUT_AFTER_MS = 10_000;

export interface Wire {
  clock: VirtualClock;
  /** The delay one way. */
  delayMs: number;
  /** When a message that is sent now sets out: now, unless the peer is cut off from the control plane. */
  opensAtMs: () => number;
  /** False: the peer's power failed, and messages on the way never arrive. */
  up: () => boolean;
  /** Turns what the peer should say into what it says. */
  lie: (json: string) => string;
}

/** The peer's end. Opens on its own after a round trip, unless `accept` closes it. */
export class ClientEnd implements SocketLike {
  onopen: ((event: never) => void) | null = null;
  onmessage: ((event: never) => void) | null = null;
  onclose: ((event: never) => void) | null = null;
  onerror: ((event: never) => void) | null = null;
  readonly #wire: Wire;
  readonly #server: ServerEnd;

  /** `accept`: gets the server's end, when the call has arrived there. */
  constructor(wire: Wire, accept: (socket: ServerEnd) => void) {
    this.#wire = wire;
    this.#server = new ServerEnd(wire, this);
    this.#cross(() => {
      accept(this.#server);
      cross(wire, () => this.#server.open && this.onopen?.({} as never));
    });
  }

  send(text: string): void {
    const said = this.#wire.lie(text);
    this.#cross(() => this.#server.arrive(said));
  }

  close(): void {
    this.#cross(() => this.#server.end());
  }

  /** Fails the power here. */
  die(): void {
    this.#wire.clock.after(CUT_AFTER_MS, () => this.#server.end());
  }

  #cross(arrive: () => void): void {
    if (cross(this.#wire, arrive) > CUT_AFTER_MS) this.#server.cutOff();
  }
}

/** The server's end. */
export class ServerEnd extends EventEmitter implements PeerSocket {
  admit: ((data: Buffer, isBinary: boolean) => boolean) | null = null;
  slow: (() => void) | null = null;
  readonly #wire: Wire;
  readonly #client: ClientEnd;
  #open = true;
  #cutting = false;

  constructor(wire: Wire, client: ClientEnd) {
    super();
    this.#wire = wire;
    this.#client = client;
  }

  get open(): boolean {
    return this.#open;
  }

  /** Nothing is buffered for long, as everything arrives in the end. */
  readonly bufferedAmount = 0;

  sendText(text: Buffer): void {
    this.send(text.toString());
  }

  send(text: string): void {
    if (this.#open && this.#cross(() => this.#client.onmessage?.({ data: text } as never)) > CUT_AFTER_MS)
      this.cutOff();
  }

  close(): void {
    if (!this.#open) return;
    this.#cross(() => this.#client.onclose?.({} as never));
    this.end();
  }

  arrive(text: string): void {
    if (!this.#open) return;
    const data = Buffer.from(text);
    if (this.admit?.(data, false) !== false) this.emit('message', data, false);
  }

  /** The other end is gone. */
  end(): void {
    if (!this.#open) return;
    this.#open = false;
    this.emit('close');
  }

  cutOff(): void {
    if (this.#cutting) return;
    this.#cutting = true;
    this.#wire.clock.after(CUT_AFTER_MS, () => this.close());
  }

  #cross(arrive: () => void): number {
    return cross(this.#wire, arrive);
  }
}

/** Returns how long a message is held up before it sets out. */
function cross({ clock, delayMs, opensAtMs, up }: Wire, arrive: () => void): number {
  const heldMs = opensAtMs() - clock.now();
  clock.after(heldMs + delayMs, () => up() && arrive());
  return heldMs;
}
