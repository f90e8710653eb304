/**
 * The transport over WebRTC, set up by PeerJS, in browsers and in Node alike: whoever composes a mesh brings the `Peer`
 * class of its host. PeerJS introduces and negotiates; from then on the data channel is ours.
 */
import { onAbort } from './abort.ts';
import { backoffMs } from './backoff.ts';
import type { Clock } from './clock.ts';
import { cancelled, MeshError } from './errors.ts';
import { isPeerId, type PeerId } from './ids.ts';
import { PeerJsLink, type PeerJsConnection } from './peerjs-link.ts';
import type { IceServer } from './protocol.ts';
import { parseSignal, SERIALIZATION, SignalLimits, type Signal } from './signal-filter.ts';
import type { Link, Transport } from './transport.ts';

/** Incoming connections that have not opened yet; each costs a peer connection. */
const MAX_OPENING = 32;
const OPENING_TIMEOUT_MS = 15_000;
const SIGNALLING_TIMEOUT_MS = 8_000;
/** Most connections open within a tenth of it. */
const SECOND_TRY_MS = 2_000;

/** What is used of PeerJS's `Peer`. `_handleMessage` is where its server's messages come in. */
export interface PeerJsPeer {
  readonly open: boolean;
  readonly disconnected: boolean;
  readonly destroyed: boolean;
  /** The very object that it reads with each connection to its server. */
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

export interface PeerJsTransportOptions {
  Peer: new (id: string, options: object) => PeerJsPeer;
  self: PeerId;
  /** Of the control plane, whose PeerServer is at `/signal`. */
  host: string;
  port: number;
  secure: boolean;
  clock: Clock;
  random: () => number;
}

export class PeerJsTransport implements Transport {
  readonly self: PeerId;
  accept: ((link: Link) => void) | null = null;
  #options: PeerJsTransportOptions;
  #iceServers: IceServer[] = [];
  #token = '';
  #limits: SignalLimits;
  #peer: PeerJsPeer | null = null;
  #attempt = 0;
  #stopRetry: (() => void) | null = null;
  #links = new Set<PeerJsLink>();
  #opening = 0;
  #dials = new Map<PeerId, Set<(error: MeshError) => void>>();
  /** Candidates for connections that we dialled and that are not answered yet. */
  #unanswered = new Map<string, Signal[]>();
  #ready = new Set<() => void>();
  #closed = false;

  constructor(options: PeerJsTransportOptions) {
    this.self = options.self;
    this.#options = options;
    this.#limits = new SignalLimits(options.clock);
  }

  /**
   * Registers with the signalling server and keeps registered; `token` is the control plane's word that the id is ours.
   * Called again: takes the new servers and the new token from now on.
   */
  start(iceServers: readonly IceServer[], token: string): void {
    // PeerJS reads the list from this very array whenever it makes a connection.
    this.#iceServers.splice(0, Infinity, ...iceServers);
    const renewed = token !== this.#token;
    this.#token = token;
    if (this.#closed) return;
    if (this.#peer === null) {
      this.#register();
      return;
    }
    this.#peer.options.token = token;
    // Away because the token before was no longer taken, most likely: no reason to wait on.
    if (renewed && this.#stopRetry !== null) {
      this.#stopRetry();
      this.#return();
    }
  }

  /** A first try that hangs, as WebRTC sometimes does without a word, gets company; the first to open is taken. */
  async dial(peer: PeerId, signal: AbortSignal): Promise<Link> {
    await this.#reachableSoon(signal);
    const over = new AbortController();
    const tries = AbortSignal.any([signal, over.signal]);
    let winner: Link | null = null;
    const attempt = async () => {
      const link = await this.#connect(peer, tries);
      winner ??= link;
      if (winner !== link) link.close();
      return winner;
    };
    let stopTimer = () => {};
    const late = new Promise<null>((resolve) => {
      stopTimer = this.#options.clock.after(SECOND_TRY_MS, () => resolve(null));
    });
    try {
      const first = attempt();
      return (await Promise.race([first, late])) ?? (await Promise.any([first, attempt()]));
    } catch (thrown) {
      if (signal.aborted) throw cancelled();
      throw thrown instanceof MeshError ? thrown : connectFailed();
    } finally {
      stopTimer();
      over.abort();
    }
  }

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

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#stopRetry?.();
    for (const link of this.#links) link.close();
    this.#peer?.destroy();
    this.#wake();
  }

  #connect(peer: PeerId, signal: AbortSignal): Promise<Link> {
    if (signal.aborted) return Promise.reject(cancelled());
    const connection = this.#peer?.connect(peer, { reliable: true, serialization: SERIALIZATION });
    if (connection === undefined) return Promise.reject(unreachable());
    return new Promise<Link>((resolve, reject) => {
      const failures = this.#dials.get(peer) ?? new Set();
      this.#unanswered.set(connection.connectionId, []);
      const settle = () => {
        stopAbort();
        this.#unanswered.delete(connection.connectionId);
        failures.delete(fail);
        if (failures.size === 0) this.#dials.delete(peer);
      };
      const fail = (error: MeshError) => {
        settle();
        connection.close();
        reject(error);
      };
      const stopAbort = onAbort(signal, () => fail(cancelled()));
      this.#dials.set(peer, failures.add(fail));
      connection.on('error', () => fail(connectFailed()));
      connection.on('close', () => fail(connectFailed()));
      connection.on('open', () => {
        settle();
        resolve(this.#link(connection, peer));
      });
    });
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
      config: { iceServers: this.#iceServers },
    });
    this.#peer = peer;
    const handle = peer._handleMessage.bind(peer);
    peer._handleMessage = (message) => {
      const signal = parseSignal(message);
      if (signal === null || !this.#admit(peer, signal)) return;
      this.#inOrder(signal, handle);
    };
    peer.on('open', () => {
      this.#attempt = 0;
      this.#wake();
    });
    peer.on('connection', (connection) => this.#accepted(connection));
    peer.on('disconnected', () => this.#retry());
    // Every error that matters also ends in `disconnected` or `close`, or in a dial that its timeout ends.
    peer.on('error', () => {});
    peer.on('close', () => this.#retry());
  }

  /**
   * A busy peer's candidates can overtake its answer. WebRTC refuses them before it (W3C WebRTC §4.4.2.6 step 3), and
   * PeerJS would drop them: they wait.
   */
  #inOrder(signal: Signal, handle: (signal: Signal) => void): void {
    if (signal.type === 'CANDIDATE') {
      const waiting = this.#unanswered.get(signal.payload.connectionId);
      if (waiting !== undefined) {
        waiting.push(signal);
        return;
      }
    }
    handle(signal);
    if (signal.type !== 'ANSWER') return;
    const waiting = this.#unanswered.get(signal.payload.connectionId) ?? [];
    this.#unanswered.delete(signal.payload.connectionId);
    for (const candidate of waiting) handle(candidate);
  }

  #admit(peer: PeerJsPeer, signal: Signal): boolean {
    switch (signal.type) {
      case 'EXPIRE':
        for (const fail of [...(this.#dials.get(signal.src) ?? [])]) fail(connectFailed());
        return false;
      case 'OFFER':
        return this.#opening < MAX_OPENING && this.#limits.admit(signal, false);
      case 'ANSWER':
      case 'CANDIDATE':
        return this.#limits.admit(signal, peer.getConnection(signal.src, signal.payload.connectionId) !== null);
      case 'OPEN':
      case 'ERROR':
      case 'ID-TAKEN':
      case 'INVALID-KEY':
        return true;
      default:
        return signal satisfies never;
    }
  }

  #accepted(connection: PeerJsConnection): void {
    const peer = connection.peer;
    if (!isPeerId(peer)) {
      connection.close();
      return;
    }
    this.#opening += 1;
    let waiting = true;
    const settle = () => {
      if (!waiting) return;
      waiting = false;
      this.#opening -= 1;
      stopTimer();
    };
    const stopTimer = this.#options.clock.after(OPENING_TIMEOUT_MS, () => {
      settle();
      connection.close();
    });
    connection.on('open', () => {
      settle();
      const link = this.#link(connection, peer);
      if (this.accept === null) link.close();
      else this.accept(link);
    });
    connection.on('close', settle);
    connection.on('error', settle);
  }

  #link(connection: PeerJsConnection, peer: PeerId): PeerJsLink {
    const link = new PeerJsLink(connection, peer, () => this.#links.delete(link));
    this.#links.add(link);
    return link;
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

  async #reachableSoon(signal: AbortSignal): Promise<void> {
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

  #wake(): void {
    for (const wake of this.#ready) wake();
    this.#ready.clear();
  }
}

function connectFailed(): MeshError {
  return new MeshError('connect_failed', 'No connection to that volunteer could be made.');
}

function unreachable(): MeshError {
  return new MeshError(
    'control_unreachable',
    'The server that introduces computers cannot be reached. Try again soon.',
  );
}
