/** This peer's end of the control plane: one WebSocket that says who we are, what we offer, and asks who can answer. */
import { untilAborted } from './abort.ts';
import { backoffMs } from './backoff.ts';
import type { Clock } from './clock.ts';
import { toBase32 } from './base32.ts';
import { asMeshError, MeshError } from './errors.ts';
import type { Identity } from './identity.ts';
import type { ModelId, PeerId } from './ids.ts';
import type { proveKey } from './key-proof.ts';
import { PROTOCOL_VERSION } from './protocol.ts';
import {
  MAX_NAMED_PEERS,
  parseFromServer,
  type Challenge,
  type Filing,
  type Leased,
  type ModelAdvert,
  type Offers,
  type ToServer,
  type Welcome,
} from './control-protocol.ts';
import { ControlRequests, unreachable, type Place } from './control-requests.ts';

const OPEN_TIMEOUT_MS = 10_000;
const REOPEN_TIMEOUT_MS = 5_000;

/** What browsers and `ws` both have. */
export interface SocketLike {
  send(text: string): void;
  close(code?: number, reason?: string): void;
  onopen: ((event: never) => void) | null;
  onmessage: ((event: never) => void) | null;
  onclose: ((event: never) => void) | null;
  onerror: ((event: never) => void) | null;
}

export type ControlState =
  | 'connecting'
  | 'open'
  /** Refused for good: `refusal` says why. It does not try again. */
  | 'refused'
  | 'closed';

export interface ControlOptions {
  /** ws: or wss: URL of `/mesh` */
  url: string;
  identity: Identity;
  /** From `key-proof.ts`. Handed in, so that a page need not load its arithmetic before its first picture. */
  prove: typeof proveKey;
  agent: 'browser' | 'native';
  openSocket: (url: string) => SocketLike;
  clock: Clock;
  random: () => number;
}

export interface MatchQuestion {
  model: ModelId;
  maxTokens: number;
  /** Those just tried. */
  exclude: readonly PeerId[];
  /** No one but these; null: anyone. */
  only: readonly PeerId[] | null;
  /** Has this conversation in its memory. */
  prefer: PeerId | null;
}

export interface BusyReport {
  busySlots: number;
  queued: number;
  /** Tokens written since the provider began. */
  tokens: number;
  tokensPerSecond: number | null;
}

export class ControlClient {
  state: ControlState = 'closed';
  refusal: MeshError | null = null;
  /** What the mesh offered last; null before the first word. Kept while the connection is away. */
  offers: Offers | null = null;
  onState: ((state: ControlState) => void) | null = null;
  onOffers: ((offers: Offers) => void) | null = null;
  /** With every welcome: again after each reconnection, with another token for `/signal`. */
  onWelcome: ((welcome: Welcome) => void) | null = null;
  /** The control plane has other servers for WebRTC than in its welcome. */
  onIceServers: ((iceServers: Welcome['iceServers']) => void) | null = null;
  /** A peer wants a relayed link to us. */
  onCall: ((peer: PeerId, ticket: string) => void) | null = null;
  /** The last one, with the newest servers for WebRTC; null before the first. */
  welcome: Welcome | null = null;
  /** Whose leases count here; null before the first welcome. */
  issuer: PeerId | null = null;

  #options: ControlOptions;
  #socket: SocketLike | null = null;
  #attempt = 0;
  /** Ends the proof being made for this connection; null: none was asked for yet. */
  #proving: AbortController | null = null;
  #stopTimer: (() => void) | null = null;
  #stopBeat: (() => void) | null = null;
  #heartbeatMs = 1_000;
  #advert: { models: ModelAdvert[]; slots: number; certificate: string | null } | null = null;
  #report: BusyReport = { busySlots: 0, queued: 0, tokens: 0, tokensPerSecond: null };
  #reportedTokens = 0;
  #requests: ControlRequests;
  #opened: (() => void)[] = [];

  constructor(options: ControlOptions) {
    this.#options = options;
    this.#requests = new ControlRequests(options.clock, (message) => this.#send(message));
  }

  /** Connects, and connects again whenever the connection breaks, until `close`. */
  start(): void {
    if (this.state === 'closed') this.#connect();
  }

  /** From now on this is what we offer; an empty list takes it back. Kept over reconnections. */
  advertise(models: ModelAdvert[], slots: number, certificate: string | null = null): void {
    this.#advert = { models, slots, certificate };
    this.#report = { busySlots: 0, queued: 0, tokens: 0, tokensPerSecond: null };
    this.#reportedTokens = 0;
    if (this.state === 'open') this.#sendAdvert();
  }

  /** How busy we are. Goes out at once when slots or queue changed, else with the next heartbeat. */
  report(report: BusyReport): void {
    const changed = report.busySlots !== this.#report.busySlots || report.queued !== this.#report.queued;
    this.#report = report;
    if (changed) this.#sendHeartbeat();
  }

  /**
   * The control plane's shortlist, best first, each with leave for this task. `queued` hears of our place in the line
   * while all are busy. Rejects with control_unreachable, control_refused, busy or cancelled.
   */
  async match(
    question: MatchQuestion,
    signal: AbortSignal,
    queued: ((place: Place) => void) | null = null,
  ): Promise<Leased[]> {
    const { model, maxTokens, exclude, only, prefer } = question;
    if (this.state !== 'open') await this.#whenOpen(signal);
    const request = {
      type: 'match',
      model,
      maxTokens,
      exclude: exclude.slice(-MAX_NAMED_PEERS),
      only: only?.slice(0, MAX_NAMED_PEERS) ?? null,
      prefer,
    } as const;
    const { lease, candidates } = await this.#requests.ask<'match'>(request, signal, queued);
    return lease === null ? [] : candidates.map((candidate) => ({ ...candidate, lease }));
  }

  /** Has the control plane keep what was delivered. Rejects with control_unreachable, receipt_refused or cancelled. */
  async file(filing: Filing, signal: AbortSignal): Promise<void> {
    if (this.state !== 'open') await this.#whenOpen(signal);
    await this.#requests.ask<'file'>({ type: 'file', ...filing }, signal);
  }

  /** A ticket for our end of a relayed link to `peer`. Rejects with connect_failed, control_unreachable or cancelled. */
  async relay(peer: PeerId, signal: AbortSignal): Promise<string> {
    if (this.state !== 'open') await this.#whenOpen(signal);
    return (await this.#requests.ask<'relay'>({ type: 'relay', peer }, signal)).ticket;
  }

  /** Says goodbye. Idempotent. */
  close(): void {
    if (this.state === 'open') this.#send({ type: 'bye' });
    this.#detach();
    this.#setState('closed');
  }

  #connect(): void {
    this.#setState('connecting');
    const socket = this.#options.openSocket(this.#options.url);
    this.#socket = socket;
    this.#stopTimer = this.#options.clock.after(OPEN_TIMEOUT_MS, () => this.#lost());
    socket.onopen = () =>
      this.#send({
        type: 'hello',
        version: PROTOCOL_VERSION,
        peerId: this.#options.identity.peerId,
        agent: this.#options.agent,
        key: toBase32(this.#options.identity.publicKey),
      });
    socket.onmessage = (event: { data: unknown }) => {
      if (typeof event.data === 'string') this.#receive(event.data);
    };
    socket.onclose = () => this.#lost();
    // A `close` event always follows; without a listener `ws` would throw.
    socket.onerror = () => {};
  }

  #receive(json: string): void {
    const message = parseFromServer(json);
    // A newer server may say more than we know; what we know is still true.
    if (message === null) return;
    switch (message.type) {
      case 'challenge':
        if (this.state === 'connecting' && this.#proving === null) void this.#prove(message);
        break;
      case 'welcome':
        this.#heartbeatMs = message.heartbeatMs;
        this.#attempt = 0;
        this.#stopTimer?.();
        this.#stopTimer = null;
        this.welcome = message;
        this.issuer = message.issuer;
        this.onWelcome?.(message);
        this.#setState('open');
        this.#sendAdvert();
        this.#beat();
        break;
      case 'ice':
        if (this.welcome !== null) this.welcome = { ...this.welcome, iceServers: message.iceServers };
        this.onIceServers?.(message.iceServers);
        break;
      case 'call':
        this.onCall?.(message.peer, message.ticket);
        break;
      case 'offers':
        this.offers = message;
        this.onOffers?.(message);
        break;
      case 'matched':
      case 'filed':
      case 'relayed':
        this.#requests.answered(message);
        break;
      case 'queued':
        this.#requests.queued(message);
        break;
      case 'refused': {
        const error = new MeshError(message.code, message.message);
        if (message.requestId !== undefined) {
          this.#requests.refused(message.requestId, error);
        } else if (message.code === 'version_mismatch' || message.code === 'control_refused') {
          this.#giveUp(error);
        }
        break;
      }
      default:
        message satisfies never;
    }
  }

  /** One signature a connection, whatever the server asks for. Never rejects. */
  async #prove(challenge: Challenge): Promise<void> {
    const proving = new AbortController();
    this.#proving = proving;
    // The work takes as long as it takes; the server says when that is too long.
    this.#stopTimer?.();
    this.#stopTimer = null;
    const { identity, prove, clock, url } = this.#options;
    try {
      const proof = await prove(identity, challenge, new URL(url).host, proving.signal);
      if (proving.signal.aborted) return;
      this.#send(proof);
      this.#stopTimer = clock.after(OPEN_TIMEOUT_MS, () => this.#lost());
    } catch (thrown) {
      if (proving.signal.aborted) return;
      this.#giveUp(asMeshError(thrown, 'control_refused', 'This computer could not prove who it is. Start again.'));
    }
  }

  #giveUp(error: MeshError): void {
    this.refusal = error;
    this.#detach();
    this.#setState('refused');
  }

  /** The socket is gone or never came: forget it and try again later. */
  #lost(): void {
    this.#detach();
    this.#setState('connecting');
    this.#stopTimer = this.#options.clock.after(backoffMs(this.#attempt++, this.#options.random), () =>
      this.#connect(),
    );
  }

  #detach(): void {
    this.#stopTimer?.();
    this.#stopTimer = null;
    this.#stopBeat?.();
    this.#stopBeat = null;
    this.#proving?.abort();
    this.#proving = null;
    const socket = this.#socket;
    this.#socket = null;
    if (socket !== null) {
      socket.onopen = socket.onmessage = socket.onclose = null;
      socket.close();
    }
    this.#requests.lost();
  }

  #setState(state: ControlState): void {
    if (this.state === state) return;
    this.state = state;
    if (state === 'open' || state === 'refused' || state === 'closed') {
      const opened = this.#opened;
      this.#opened = [];
      for (const resolve of opened) resolve();
    }
    this.onState?.(state);
  }

  async #whenOpen(signal: AbortSignal): Promise<void> {
    if (this.state === 'connecting') {
      let stopTimer = () => {};
      const late = new Promise<void>((resolve) => {
        stopTimer = this.#options.clock.after(REOPEN_TIMEOUT_MS, resolve);
      });
      const opened = new Promise<void>((resolve) => this.#opened.push(resolve));
      try {
        await untilAborted(Promise.race([opened, late]), signal);
      } finally {
        stopTimer();
      }
    }
    // Read anew: it may have changed while we waited.
    const state: ControlState = this.state;
    if (state !== 'open') throw this.refusal ?? unreachable();
  }

  #sendAdvert(): void {
    if (this.#advert === null) return;
    this.#send({ type: 'advert', ...this.#advert });
    this.#sendHeartbeat();
  }

  #beat(): void {
    this.#stopBeat = this.#options.clock.after(this.#heartbeatMs, () => {
      this.#sendHeartbeat();
      this.#beat();
    });
  }

  #sendHeartbeat(): void {
    if (this.state !== 'open' || this.#advert === null) return;
    const { busySlots, queued, tokens, tokensPerSecond } = this.#report;
    this.#send({
      type: 'heartbeat',
      busySlots,
      queued,
      tokens: tokens - this.#reportedTokens,
      ...(tokensPerSecond !== null && { tokensPerSecond }),
    });
    this.#reportedTokens = tokens;
  }

  #send(message: ToServer): void {
    this.#socket?.send(JSON.stringify(message));
  }
}
