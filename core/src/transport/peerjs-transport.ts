/**
 * The transport over WebRTC, set up by PeerJS, in browsers and in Node alike: whoever composes a mesh brings the `Peer`
 * class of its host. PeerJS introduces and negotiates; from then on the data channel is ours.
 */
import { onAbort } from '../base/abort.ts';
import type { IceServer } from '../wire/control-protocol.ts';
import { cancelled, MeshError } from '../base/errors.ts';
import { isPeerId, type PeerId } from '../base/ids.ts';
import { DataChannelLane, type BulkConnection } from './bulk-lane.ts';
import { WebRtcLink, type PeerJsConnection } from './webrtc-link.ts';
import { PeerJsRegistration, unreachable, type PeerJsPeer, type RegistrationOptions } from './peerjs-registration.ts';
import { race } from '../base/race.ts';
import { SERIALIZATION, SignalLimits, type Signal } from './signal-filter.ts';
import type { Link, Transport } from './transport.ts';

/** Incoming connections that have not opened yet; each costs a peer connection. */
const MAX_OPENING = 32;
const MAX_OPENING_OF_ONE = 4;
const OPENING_TIMEOUT_MS = 15_000;
/** Most connections open within a tenth of it. */
const SECOND_TRY_MS = 2_000;

export interface PeerJsTransportOptions extends RegistrationOptions {
  /**
   * Under the policy `relay` this host's WebRTC sends nothing but through TURN servers. Browsers do so; libdatachannel
   * only does not tell its addresses, and still tries them.
   */
  hidesBehindTurn: boolean;
}

export class PeerJsTransport implements Transport {
  readonly self: PeerId;
  accept: ((link: Link) => void) | null = null;
  #options: PeerJsTransportOptions;
  #registration: PeerJsRegistration;
  #limits: SignalLimits;
  #links = new Set<WebRtcLink>();
  /** Accepted and not open yet; each can be given up. */
  #opening = new Map<() => void, PeerId>();
  #dials = new Map<PeerId, Set<(error: MeshError) => void>>();
  /** Candidates for connections that we dialled and that are not answered yet. */
  #unanswered = new Map<string, Signal[]>();
  #hasTurn = false;
  #hidden = false;

  constructor(options: PeerJsTransportOptions) {
    this.self = options.self;
    this.#options = options;
    this.#limits = new SignalLimits(options.clock);
    this.#registration = new PeerJsRegistration(options, {
      signal: (peer, signal, handle) => {
        if (this.#admit(peer, signal)) this.#inOrder(signal, handle);
      },
      connection: (connection) => this.#accepted(connection),
    });
  }

  /**
   * Registers with the signalling server and keeps registered; `token` is the control plane's word that the id is ours.
   * Called again: takes the new servers and the new token from now on.
   */
  start(iceServers: readonly IceServer[], token: string): void {
    this.setIceServers(iceServers);
    this.#registration.start(token);
  }

  setIceServers(iceServers: readonly IceServer[]): void {
    this.#registration.iceServers = iceServers;
    this.#hasTurn = iceServers.some(({ urls }) => [urls].flat().some((url) => /^turns?:/i.test(url)));
    if (!this.#open) this.#endAll(hidden());
  }

  /**
   * Whether our addresses are kept from the other ends: through a TURN server, or where there is none not at all, be it
   * dialled or accepted. Links that are open or being opened when it begins show them, and are closed.
   */
  setHidden(isHidden: boolean): void {
    if (isHidden === this.#hidden) return;
    this.#hidden = isHidden;
    this.#registration.relayOnly = isHidden;
    if (isHidden) this.#endAll(hidden());
  }

  /** A first try that hangs, as WebRTC sometimes does without a word, gets company; the first to open is taken. */
  async dial(peer: PeerId, signal: AbortSignal): Promise<Link> {
    await this.#registration.reachableSoon(signal);
    if (!this.#open) throw hidden();
    const way = (either: AbortSignal) => this.#connect(peer, either);
    return race([way, way], {
      clock: this.#options.clock,
      headStartMs: SECOND_TRY_MS,
      afterFailure: false,
      drop: (link) => link.close(),
      signal,
    });
  }

  /** Rejects with connect_failed, too: when hidden and without a TURN server. */
  async reachable(signal: AbortSignal): Promise<void> {
    await this.#registration.reachable(signal);
    if (!this.#open) throw hidden();
  }

  /**
   * Also of what is still being opened: PeerJS itself closes only every other one of several connections to one peer,
   * as each that closes leaves the list that it goes through.
   */
  close(): void {
    this.#endAll(cancelled());
    this.#registration.close();
  }

  /** Connections may be made. */
  get #open(): boolean {
    return !this.#hidden || (this.#hasTurn && this.#options.hidesBehindTurn);
  }

  #endAll(why: MeshError): void {
    for (const link of this.#links) link.close();
    for (const giveUp of this.#opening.keys()) giveUp();
    for (const failures of this.#dials.values()) for (const fail of [...failures]) fail(why);
  }

  #connect(peer: PeerId, signal: AbortSignal): Promise<Link> {
    if (signal.aborted || this.#registration.closed) return Promise.reject(cancelled());
    if (!this.#open) return Promise.reject(hidden());
    const connection = this.#registration.peer?.connect(peer, { reliable: true, serialization: SERIALIZATION });
    if (connection === undefined) return Promise.reject(unreachable());
    const bulk = bulkOf(connection);
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
        resolve(this.#link(connection, peer, bulk));
      });
    });
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
        // What finds no room is not counted: a flood of offers would use up those of everybody.
        if (!this.#open || !this.#hasRoom(signal.src) || !this.#limits.admit(signal, isKnown(peer, signal)))
          return false;
        this.#makeRoom(signal.src);
        return true;
      case 'ANSWER':
      case 'CANDIDATE':
        return this.#limits.admit(signal, isKnown(peer, signal));
      case 'OPEN':
      case 'ERROR':
      case 'ID-TAKEN':
      case 'INVALID-KEY':
        return true;
      default:
        return signal satisfies never;
    }
  }

  #hasRoom(peer: PeerId): boolean {
    return this.#opening.size < MAX_OPENING || this.#openingOf(peer).length >= MAX_OPENING_OF_ONE;
  }

  /**
   * Nobody fills the room alone. The oldest of its own makes way for whoever has too many: it does not tell when it gives one
   * up that was not open yet.
   */
  #makeRoom(peer: PeerId): void {
    const [oldest, ...others] = this.#openingOf(peer);
    if (others.length + 1 >= MAX_OPENING_OF_ONE) oldest?.();
  }

  /** Gives up one connection of this peer that is being opened; the oldest first. */
  #openingOf(peer: PeerId): (() => void)[] {
    return [...this.#opening].filter(([, other]) => other === peer).map(([giveUp]) => giveUp);
  }

  #accepted(connection: PeerJsConnection): void {
    const peer = connection.peer;
    if (!isPeerId(peer)) {
      connection.close();
      return;
    }
    const bulk = bulkOf(connection);
    const settle = () => {
      this.#opening.delete(giveUp);
      stopTimer();
    };
    const giveUp = () => {
      settle();
      connection.close();
    };
    const stopTimer = this.#options.clock.after(OPENING_TIMEOUT_MS, giveUp);
    this.#opening.set(giveUp, peer);
    connection.on('open', () => {
      settle();
      const link = this.#link(connection, peer, bulk);
      if (this.accept === null) link.close();
      else this.accept(link);
    });
    connection.on('close', settle);
    connection.on('error', giveUp);
  }

  #link(connection: PeerJsConnection, peer: PeerId, bulk: DataChannelLane | null): WebRtcLink {
    const link = new WebRtcLink(connection, peer, () => this.#links.delete(link), bulk);
    this.#links.add(link);
    return link;
  }
}

/** PeerJS has the WebRTC connection as soon as it has its own. */
function bulkOf({ peerConnection }: PeerJsConnection): DataChannelLane | null {
  return peerConnection?.createDataChannel === undefined ? null : new DataChannelLane(peerConnection as BulkConnection);
}

function isKnown(peer: PeerJsPeer, { src, payload }: Extract<Signal, { payload: { connectionId: string } }>): boolean {
  return peer.getConnection(src, payload.connectionId) !== null;
}

function connectFailed(): MeshError {
  return new MeshError('connect_failed', 'Could not connect to that volunteer.');
}

function hidden(): MeshError {
  return new MeshError('connect_failed', 'A direct connection would show your address, which is hidden.');
}
