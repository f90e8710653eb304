/** Our place at the signalling server: PeerJS's `Peer`, registered, and registered again whenever the server was away. */
import { onAbort } from '../base/abort.ts';
import { backoffMs } from '../base/backoff.ts';
import type { Clock } from '../base/clock.ts';
import type { IceServer } from '../wire/control-protocol.ts';
import { cancelled, MeshError } from '../base/errors.ts';
import type { PeerId } from '../base/ids.ts';
import type { PeerJsConnection } from './webrtc-link.ts';
import { parseSignal, type Signal } from './signal-filter.ts';

const SIGNALLING_TIMEOUT_MS = 8_000;

/** The part of PeerJS's `Peer` that we use. `_handleMessage` is where its server's messages come in. */
export interface PeerJsPeer {
  readonly open: boolean;
  readonly disconnected: boolean;
  readonly destroyed: boolean;
  /** The very object that it reads for each connection to its server. */
  readonly options: { token?: string };
  on(event: 'open' | 'close' | 'disconnected', listener: () => void): unknown;
  on(event: 'connection', listener: (connection: PeerJsConnection) => void): unknown;
  on(event: 'error', listener: (error: { type?: string; message: string }) => void): unknown;
  connect(peer: string, options: object): PeerJsConnection | undefined;
  getConnection(peer: string, connectionId: string): unknown;
  reconnect(): void;
  destroy(): void;
  _handleMessage(message: unknown): void;
}

export interface RegistrationOptions {
  Peer: new (id: string, options: object) => PeerJsPeer;
  self: PeerId;
  /** The host of the control plane, whose PeerServer is at `/signal`. */
  host: string;
  port: number;
  secure: boolean;
  clock: Clock;
  random: () => number;
}

export interface RegistrationEvents {
  /** Gets what the server passed on, parsed; `handle` gives it, or another, to PeerJS. */
  signal(peer: PeerJsPeer, signal: Signal, handle: (signal: Signal) => void): void;
  /** Somebody dialled us. */
  connection(connection: PeerJsConnection): void;
}

export class PeerJsRegistration {
  #options: RegistrationOptions;
  #events: RegistrationEvents;
  /** PeerJS reads this very object whenever it makes a connection. */
  #config: { iceServers: readonly IceServer[]; iceTransportPolicy: 'all' | 'relay' } = {
    iceServers: [],
    iceTransportPolicy: 'all',
  };
  #token = '';
  #peer: PeerJsPeer | null = null;
  #attempt = 0;
  #stopRetry: (() => void) | null = null;
  #ready = new Set<() => void>();
  #closed = false;

  constructor(options: RegistrationOptions, events: RegistrationEvents) {
    this.#options = options;
    this.#events = events;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Null before `start`. */
  get peer(): PeerJsPeer | null {
    return this.#peer;
  }

  /** Holds for connections from now on. */
  set iceServers(iceServers: readonly IceServer[]) {
    this.#config.iceServers = iceServers;
  }

  /** Makes connections from now on use relays (TURN) and no other way. */
  set relayOnly(relayOnly: boolean) {
    this.#config.iceTransportPolicy = relayOnly ? 'relay' : 'all';
  }

  /** `token` is the control plane's word that the id is ours. A second call replaces it from now on. */
  start(token: string): void {
    const renewed = token !== this.#token;
    this.#token = token;
    if (this.#closed) return;
    if (this.#peer === null) {
      this.#register();
      return;
    }
    this.#peer.options.token = token;
    // It is most likely away because the old token was no longer accepted, so there is no reason to wait.
    if (renewed && this.#stopRetry !== null) {
      this.#stopRetry();
      this.#return();
    }
  }

  /** Resolves when we are registered. Rejects with cancelled. */
  async reachable(signal: AbortSignal): Promise<void> {
    if (this.#peer?.open !== true && !this.#closed && !signal.aborted) {
      await new Promise<void>((resolve) => {
        const done = () => {
          stopAbort();
          this.#ready.delete(done);
          resolve();
        };
        this.#ready.add(done);
        const stopAbort = onAbort(signal, done);
      });
    }
    if (signal.aborted || this.#closed) throw cancelled();
  }

  /** Like `reachable`, but rejects with control_unreachable when it takes too long. */
  async reachableSoon(signal: AbortSignal): Promise<void> {
    if (this.#peer?.open === true && !signal.aborted) return;
    const late = new AbortController();
    const stopTimer = this.#options.clock.after(SIGNALLING_TIMEOUT_MS, () => late.abort());
    try {
      await this.reachable(AbortSignal.any([signal, late.signal]));
    } catch (thrown) {
      throw signal.aborted ? thrown : unreachable();
    } finally {
      stopTimer();
    }
  }

  /** Idempotent. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#stopRetry?.();
    this.#peer?.destroy();
    this.#wake();
  }

  #register(): void {
    const { Peer, self, host, port, secure } = this.#options;
    const peer = new Peer(self, {
      host,
      port,
      secure,
      path: '/signal',
      debug: 0,
      token: this.#token,
      config: this.#config,
    });
    this.#peer = peer;
    const handle = peer._handleMessage.bind(peer);
    peer._handleMessage = (message) => {
      const signal = parseSignal(message);
      if (signal !== null) this.#events.signal(peer, signal, handle);
    };
    peer.on('open', () => {
      this.#attempt = 0;
      this.#wake();
    });
    peer.on('connection', (connection) => this.#events.connection(connection));
    peer.on('disconnected', () => this.#retry());
    // Every error that matters also ends in `disconnected` or `close`, or in a dial that its timeout ends.
    peer.on('error', () => {});
    peer.on('close', () => this.#retry());
  }

  /** The signalling server is gone; open links live on. */
  #retry(): void {
    if (this.#closed || this.#stopRetry !== null) return;
    this.#stopRetry = this.#options.clock.after(backoffMs(this.#attempt++, this.#options.random), () => this.#return());
  }

  #return(): void {
    this.#stopRetry = null;
    // A peer that never was registered destroys itself and cannot come back.
    if (this.#peer === null || this.#peer.destroyed) this.#register();
    else if (this.#peer.disconnected) this.#peer.reconnect();
  }

  #wake(): void {
    for (const wake of this.#ready) wake();
    this.#ready.clear();
  }
}

export function unreachable(): MeshError {
  return new MeshError(
    'control_unreachable',
    'The server that introduces computers cannot be reached. Try again soon.',
  );
}
