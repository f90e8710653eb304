/** The transport over WebRTC that a mutual peer sets up while the control plane is away. */
import { onAbort, untilAborted } from '../base/abort.ts';
import type { Clock } from '../base/clock.ts';
import type { IceServer } from '../wire/control-protocol.ts';
import { asMeshError, cancelled, MeshError } from '../base/errors.ts';
import type { PeerId } from '../base/ids.ts';
import type { Introductions } from './introductions.ts';
import { WebRtcLink } from '../transport/webrtc-link.ts';
import { RtcConnection, type RtcPeerConnection } from '../transport/rtc-connection.ts';
import type { Link, Transport } from '../transport/transport.ts';

/** Incoming connections that have not opened yet; each costs a peer connection. */
const MAX_OPENING = 16;
const MAX_OPENING_OF_ONE = 2;
const OPENING_TIMEOUT_MS = 10_000;

export interface IntroducedTransportOptions {
  self: PeerId;
  introductions: Introductions;
  /** How the host makes a connection with these servers. */
  connect: (config: { iceServers: IceServer[] }) => RtcPeerConnection;
  clock: Clock;
}

export class IntroducedTransport implements Transport {
  readonly self: PeerId;
  accept: ((link: Link) => void) | null = null;
  readonly #options: IntroducedTransportOptions;
  readonly #links = new Set<WebRtcLink>();
  readonly #opening = new Map<RtcConnection, PeerId>();
  #iceServers: readonly IceServer[] = [];
  #hidden = false;
  #closed = false;

  constructor(options: IntroducedTransportOptions) {
    this.self = options.self;
    this.#options = options;
    options.introductions.offered = (peer, offer) => this.#offered(peer, offer);
  }

  /** Applies to connections from now on. */
  setIceServers(iceServers: readonly IceServer[]): void {
    this.#iceServers = iceServers;
  }

  /** A peer that hides is not introduced: the other end and the peer in between would learn its address. */
  setHidden(hidden: boolean): void {
    this.#hidden = hidden;
    if (hidden) this.#end();
  }

  async dial(peer: PeerId, signal: AbortSignal): Promise<Link> {
    try {
      return await this.#dial(peer, signal);
    } catch (thrown) {
      if (!(thrown instanceof Broken) || signal.aborted) throw thrown;
      return this.#dial(peer, signal);
    }
  }

  async #dial(peer: PeerId, signal: AbortSignal): Promise<Link> {
    if (signal.aborted) throw cancelled();
    const { introductions } = this.#options;
    if (!this.#open || introductions.through(peer).length === 0) throw connectFailed();
    const connection = this.#connect(peer);
    const stopAbort = onAbort(signal, () => connection.close());
    let answer: string | null = null;
    try {
      const opened = this.#opened(connection, peer);
      // It is closed with the connection, even when nobody waits for it any more.
      opened.catch(() => {});
      const offer = await untilAborted(connection.offer(), signal);
      answer = await introductions.ask(peer, offer, signal);
      await connection.answered(answer);
      return await opened;
    } catch (cause) {
      connection.close();
      if (signal.aborted) throw cancelled();
      if (answer !== null) throw new Broken(cause);
      throw asMeshError(cause, 'connect_failed', 'Could not connect to that volunteer.');
    } finally {
      stopAbort();
    }
  }

  /** Rejects with connect_failed when nobody can introduce us. */
  async reachable(signal: AbortSignal): Promise<void> {
    if (signal.aborted) throw cancelled();
    if (!this.#open || this.#options.introductions.through(this.self).length === 0) throw connectFailed();
  }

  close(): void {
    this.#closed = true;
    this.#end();
  }

  get #open(): boolean {
    return !this.#hidden && !this.#closed;
  }

  #end(): void {
    for (const link of [...this.#links]) link.close();
    for (const connection of [...this.#opening.keys()]) connection.close();
  }

  #connect(peer: PeerId): RtcConnection {
    const { connect, clock } = this.#options;
    const connection = new RtcConnection(connect({ iceServers: [...this.#iceServers] }), clock);
    this.#opening.set(connection, peer);
    connection.on('close', () => this.#opening.delete(connection));
    return connection;
  }

  /** Our answer to an offer; null: none. The new link goes to `accept`. */
  async #offered(peer: PeerId, offer: string): Promise<string | null> {
    const own = [...this.#opening.values()].filter((other) => other === peer).length;
    const crowded = this.#opening.size >= MAX_OPENING || own >= MAX_OPENING_OF_ONE;
    if (!this.#open || this.accept === null || crowded) return null;
    let connection: RtcConnection | null = null;
    try {
      connection = this.#connect(peer);
      this.#opened(connection, peer).then(
        (link) => {
          if (this.accept === null) link.close();
          else this.accept(link);
        },
        () => {
          // It never opened, and is closed.
        },
      );
      return await connection.answer(offer);
    } catch {
      // The offer is useless. The peer that asked hears that there is no answer.
      connection?.close();
      return null;
    }
  }

  /** Resolves as soon as it opens, so that nothing that arrives on it is lost. */
  #opened(connection: RtcConnection, peer: PeerId): Promise<Link> {
    return new Promise((resolve, reject) => {
      const stopTimer = this.#options.clock.after(OPENING_TIMEOUT_MS, () => connection.close());
      connection.on('open', () => {
        if (!this.#opening.delete(connection)) return;
        stopTimer();
        const link: WebRtcLink = new WebRtcLink(connection, peer, () => this.#links.delete(link), connection.bulk);
        this.#links.add(link);
        resolve(link);
      });
      connection.on('close', () => {
        stopTimer();
        reject(connectFailed());
      });
    });
  }
}

/**
 * It was answered, and failed all the same. Worth one more try, and no more: on a fast network libdatachannel refuses
 * the other end's certificate when that arrives before the answer that names it has been read completely.
 */
class Broken extends MeshError {
  constructor(cause: unknown) {
    super('connect_failed', 'Could not connect to that volunteer.', { cause });
  }
}

function connectFailed(): MeshError {
  return new MeshError('connect_failed', 'Nobody who is connected could introduce that volunteer.');
}
