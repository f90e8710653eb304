/** The WebSocket between a peer and the control plane, without the web: two ends, and the way between them. */
import { EventEmitter } from 'node:events';
import type { SocketLike } from '@llmesh/core/control';
import type { VirtualClock } from './virtual-clock.ts';

export interface Wire {
  clock: VirtualClock;
  /** One way. */
  delayMs: number;
  /** False: what is on the way never arrives. */
  up: () => boolean;
}

/** The peer's end. Opens by itself after a round trip. */
export class ClientEnd implements SocketLike {
  onopen: ((event: never) => void) | null = null;
  onmessage: ((event: never) => void) | null = null;
  onclose: ((event: never) => void) | null = null;
  onerror: ((event: never) => void) | null = null;
  readonly #wire: Wire;
  readonly #server: ServerEnd;

  /** `accept`: the server's end, when it has arrived there. */
  constructor(wire: Wire, accept: (socket: ServerEnd) => void) {
    this.#wire = wire;
    this.#server = new ServerEnd(wire, this);
    this.#cross(() => {
      accept(this.#server);
      this.#cross(() => this.onopen?.({} as never));
    });
  }

  send(text: string): void {
    this.#cross(() => this.#server.arrive(text));
  }

  close(): void {
    this.#cross(() => this.#server.end());
  }

  /** The other end is gone. */
  end(): void {
    this.onclose?.({} as never);
  }

  #cross(arrive: () => void): void {
    const { clock, delayMs, up } = this.#wire;
    clock.after(delayMs, () => up() && arrive());
  }
}

/** The server's end, as far as a mesh session uses a `BoundedSocket`. */
export class ServerEnd extends EventEmitter {
  admit: ((data: Buffer, isBinary: boolean) => boolean) | null = null;
  slow: (() => void) | null = null;
  readonly #wire: Wire;
  readonly #client: ClientEnd;
  #open = true;

  constructor(wire: Wire, client: ClientEnd) {
    super();
    this.#wire = wire;
    this.#client = client;
  }

  send(text: string): void {
    this.#cross(() => this.#client.onmessage?.({ data: text } as never));
  }

  close(): void {
    this.#cross(() => this.#client.end());
    this.end();
  }

  arrive(text: string): void {
    if (!this.#open) return;
    const data = Buffer.from(text);
    if (this.admit?.(data, false) !== false) this.emit('message', data, false);
  }

  end(): void {
    if (!this.#open) return;
    this.#open = false;
    this.emit('close');
  }

  #cross(arrive: () => void): void {
    const { clock, delayMs, up } = this.#wire;
    if (this.#open) clock.after(delayMs, () => up() && arrive());
  }
}
