/** The WebSocket to the control plane: says who we are, proves it, and reconnects whenever it breaks. */
import { untilAborted } from '../base/abort.ts';
import { backoffMs } from '../base/backoff.ts';
import { toBase32 } from '../base/base32.ts';
import type { Clock } from '../base/clock.ts';
import {
  parseFromServer,
  SIGN_OF_LIFE_MS,
  type Challenge,
  type FromServer,
  type ToServer,
  type Welcome,
} from '../wire/control-protocol.ts';
import { unreachable } from './control-requests.ts';
import { asMeshError, MeshError } from '../base/errors.ts';
import type { NetworkId } from '../base/ids.ts';
import type { Identity } from '../identity/identity.ts';
import type { proveKey } from '../identity/key-proof.ts';
import { PROTOCOL_VERSION } from '../wire/peer-limits.ts';

const OPEN_TIMEOUT_MS = 10_000;
/** Short, as it is in the first load. */
const OTHER_NETWORK = 'This address serves another network. Check it.';
const REOPEN_TIMEOUT_MS = 5_000;
/** The server says something at least every `SIGN_OF_LIFE_MS`. */
const SILENCE_MS = 2.5 * SIGN_OF_LIFE_MS;

/** The common part of browsers' `WebSocket` and `ws`. */
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
  /** The ws: or wss: URL of `/mesh`. */
  url: string;
  identity: Identity;
  /** The only network that it enters; null or left out: the one that it finds, from then on no other. */
  network?: NetworkId | null;
  /** The function of `key-proof.ts`, passed in so that a page can show something before it loads that arithmetic. */
  prove: typeof proveKey;
  agent: 'browser' | 'native';
  openSocket: (url: string) => SocketLike;
  clock: Clock;
  random: () => number;
}

export interface ConnectionEvents {
  state: (state: ControlState) => void;
  /** Called for every connection once we are in, before `open`. `askedMs`: when the proof that this answers left us. */
  welcome: (welcome: Welcome, askedMs: number) => void;
  message: (message: Exclude<FromServer, Challenge | Welcome>) => void;
  /** Requests over this connection will not be answered any more. */
  lost: () => void;
}

export class ControlConnection {
  refusal: MeshError | null = null;
  /** The network that this connection is of; null: none was named yet, or there is none. */
  network: NetworkId | null;
  readonly #options: ControlOptions;
  readonly #events: ConnectionEvents;
  /** Whether the next server decides which network it is. */
  #isOpenToAny: boolean;
  #state: ControlState = 'closed';
  #socket: SocketLike | null = null;
  #attempt = 0;
  /** Ends the proof being made for this connection; null: none was asked for yet. */
  #proving: AbortController | null = null;
  #stopTimer: (() => void) | null = null;
  /** When the server last said anything. */
  #heardMs = 0;
  /** When the last proof was sent. */
  #provedMs = 0;
  #opened: (() => void)[] = [];

  constructor(options: ControlOptions, events: ConnectionEvents) {
    this.#options = options;
    this.#events = events;
    this.network = options.network ?? null;
    this.#isOpenToAny = this.network === null;
  }

  get state(): ControlState {
    return this.#state;
  }

  /** Connects, and reconnects whenever the connection breaks, until `close`. */
  start(): void {
    if (this.#state === 'closed') this.#connect();
  }

  /** Sends a message, which is dropped while there is no connection. */
  send(message: ToServer): void {
    this.#socket?.send(JSON.stringify(message));
  }

  /** Waits a moment for a connection in progress. Rejects with control_unreachable, the refusal, or cancelled. */
  async whenOpen(signal: AbortSignal): Promise<void> {
    if (this.#state === 'connecting') {
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
    // It is read again, as it may have changed while we waited.
    const state: ControlState = this.#state;
    if (state !== 'open') throw this.refusal ?? unreachable();
  }

  /** Something should have come since `sinceMs`: if nothing did, the server hangs or the connection is dead. */
  doubt(sinceMs: number): void {
    if (this.#state === 'open' && this.#heardMs <= sinceMs) this.#lost();
  }

  /** Says goodbye. Idempotent. */
  close(): void {
    if (this.#state === 'open') this.send({ type: 'bye' });
    this.#detach();
    this.#setState('closed');
  }

  #connect(): void {
    this.#setState('connecting');
    const { openSocket, url, clock, identity, agent } = this.#options;
    const socket = openSocket(url);
    this.#socket = socket;
    this.#stopTimer = clock.after(OPEN_TIMEOUT_MS, () => this.#lost());
    socket.onopen = () =>
      this.send({
        type: 'hello',
        version: PROTOCOL_VERSION,
        peerId: identity.peerId,
        agent,
        key: toBase32(identity.publicKey),
        network: this.network,
      });
    socket.onmessage = (event: { data: unknown }) => {
      if (typeof event.data === 'string') this.#receive(event.data);
    };
    socket.onclose = () => this.#lost();
    // A `close` event always follows; without a listener `ws` would throw.
    socket.onerror = () => {};
  }

  #receive(json: string): void {
    this.#heardMs = this.#options.clock.now();
    const message = parseFromServer(json);
    // A newer server may send messages that we do not understand; the rest is still valid.
    if (message === null) return;
    if (message.type === 'challenge') {
      if (this.#state === 'connecting' && this.#proving === null) void this.#prove(message);
    } else if (message.type === 'welcome') this.#welcomed(message);
    else if (message.type === 'refused' && message.requestId === undefined && isFinal(message.code)) {
      this.#giveUp(new MeshError(message.code, message.message));
    } else this.#events.message(message);
  }

  #welcomed(welcome: Welcome): void {
    this.#attempt = 0;
    // Receipts and links are of this network now: another would be another mesh.
    this.#isOpenToAny = false;
    this.#listen();
    this.#events.welcome(welcome, this.#provedMs);
    this.#setState('open');
  }

  /** A server that hangs, or is cut off without notice, closes no socket. */
  #listen(): void {
    this.#stopTimer?.();
    const { clock } = this.#options;
    const sinceMs = this.#heardMs;
    this.#stopTimer = clock.after(sinceMs + SILENCE_MS - clock.now(), () => {
      if (this.#heardMs > sinceMs) this.#listen();
      else this.#lost();
    });
  }

  /** Signs once per connection, whatever the server asks for. Never rejects. */
  async #prove(challenge: Challenge): Promise<void> {
    const named = challenge.network ?? null;
    if (this.#isOpenToAny) this.network = named;
    else if (named !== this.network) return this.#giveUp(new MeshError('control_refused', OTHER_NETWORK));
    const proving = new AbortController();
    this.#proving = proving;
    // The work takes as long as it takes; the server decides when that is too long.
    this.#stopTimer?.();
    this.#stopTimer = null;
    const { identity, prove, clock, url } = this.#options;
    try {
      const proof = await prove(identity, challenge, new URL(url).host, proving.signal);
      if (proving.signal.aborted) return;
      this.#provedMs = clock.now();
      this.send(proof);
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
    const { clock, random } = this.#options;
    this.#stopTimer = clock.after(backoffMs(this.#attempt++, random), () => this.#connect());
  }

  #detach(): void {
    this.#stopTimer?.();
    this.#stopTimer = null;
    this.#proving?.abort();
    this.#proving = null;
    const socket = this.#socket;
    this.#socket = null;
    if (socket !== null) {
      socket.onopen = socket.onmessage = socket.onclose = null;
      socket.close();
    }
    this.#events.lost();
  }

  #setState(state: ControlState): void {
    if (this.#state === state) return;
    this.#state = state;
    if (state !== 'connecting') {
      const opened = this.#opened;
      this.#opened = [];
      for (const resolve of opened) resolve();
    }
    this.#events.state(state);
  }
}

/** Refusals of the connection itself: another try would end the same way. */
function isFinal(code: MeshError['code']): boolean {
  return code === 'version_mismatch' || code === 'control_refused';
}
