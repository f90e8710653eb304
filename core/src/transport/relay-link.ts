/** A link through the control plane: a WebSocket whose other end is another peer's. The server passes on what it gets. */
import type { Clock } from '../base/clock.ts';
import type { PeerId } from '../base/ids.ts';
import { LinkEnd } from './link-end.ts';
import { LOW_WATER_BYTES, type Link, type Path } from './transport.ts';

/** WebSockets do not tell when there is room again. */
const LOOK_AGAIN_MS = 50;

/** What browsers' `WebSocket` and `ws` both have. */
export interface RelaySocket {
  binaryType: string;
  readonly bufferedAmount: number;
  send(bytes: Uint8Array<ArrayBuffer>): void;
  close(): void;
  onopen: ((event: never) => void) | null;
  onmessage: ((event: never) => void) | null;
  onclose: ((event: never) => void) | null;
  onerror: ((event: never) => void) | null;
}

/** Who called whom, as the control plane says and the seal has both ends check. */
export interface RelayEnds {
  dialler: PeerId;
  acceptor: PeerId;
}

export class RelayLink extends LinkEnd implements Link {
  readonly peer: PeerId;
  #ends: RelayEnds;
  #socket: RelaySocket;
  #clock: Clock;
  #forget: () => void;
  #stopLooking: (() => void) | null = null;

  /** `socket` must be open, `peer` is at its other end. `forget` is called when the link is gone. */
  constructor(socket: RelaySocket, peer: PeerId, ends: RelayEnds, clock: Clock, forget: () => void) {
    super();
    this.peer = peer;
    this.#ends = ends;
    this.#socket = socket;
    this.#clock = clock;
    this.#forget = forget;
    socket.onmessage = ({ data }: { data: unknown }) => {
      // Text is not of this protocol. One empty fragment says so to whoever reads.
      const fragment = data instanceof ArrayBuffer ? new Uint8Array(data) : new Uint8Array(0);
      if (!this.deliver(fragment)) this.close();
    };
    socket.onclose = () => this.close();
  }

  get bufferedBytes(): number {
    return this.open ? this.#socket.bufferedAmount : 0;
  }

  send(fragment: Uint8Array<ArrayBuffer>): void {
    if (!this.open) return;
    this.#socket.send(fragment);
    if (this.#stopLooking === null && this.bufferedBytes > LOW_WATER_BYTES) this.#look();
  }

  close(): void {
    if (!this.end()) return;
    this.#stopLooking?.();
    this.#socket.onmessage = this.#socket.onclose = null;
    this.#socket.close();
    this.#forget();
    this.tellClosed();
  }

  /**
   * Says that this is a relayed link, and whose. There is no more to bind to: the relay is in the middle, and may be.
   */
  prologue(): Uint8Array {
    return new TextEncoder().encode(`relay ${this.#ends.dialler} ${this.#ends.acceptor}`);
  }

  async path(): Promise<Path> {
    return 'relay';
  }

  #look(): void {
    this.#stopLooking = this.#clock.after(LOOK_AGAIN_MS, () => {
      this.#stopLooking = null;
      if (this.bufferedBytes > LOW_WATER_BYTES) this.#look();
      else this.drained?.();
    });
  }
}
