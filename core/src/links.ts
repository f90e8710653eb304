/** The open channels of this peer: dialled or accepted, kept warm, let go when nobody needs them. */
import { untilAborted } from './abort.ts';
import { Channel, type ChannelEvents, type Message } from './channel.ts';
import type { Clock } from './clock.ts';
import { MeshError } from './errors.ts';
import type { PeerId } from './ids.ts';
import type { Link, Transport } from './transport.ts';

const DIAL_TIMEOUT_MS = 10_000;
/** A warm link saves the next question a handshake; after this long it only costs memory. */
const IDLE_MS = 120_000;
const SWEEP_MS = 10_000;
/** Strangers may open links to us; past this many the newest is refused. */
const MAX_ACCEPTED = 256;
/** One peer may have so many; a newer one takes the place of its oldest, which it may have lost without a word. */
const MAX_ACCEPTED_OF_ONE = 8;

export interface LinkEvents {
  message(channel: Channel, message: Message): void;
  closed(channel: Channel, reason: MeshError | null): void;
}

export class Links {
  #transport: Transport;
  #clock: Clock;
  #events: ChannelEvents;
  #dialled = new Map<PeerId, Channel>();
  #dialling = new Map<PeerId, Promise<Channel>>();
  #accepted = new Set<Channel>();
  #closing = new AbortController();
  #stopSweep: () => void;

  constructor(transport: Transport, clock: Clock, events: LinkEvents) {
    this.#transport = transport;
    this.#clock = clock;
    this.#events = {
      message: (channel, message) => events.message(channel, message),
      closed: (channel, reason) => {
        this.#accepted.delete(channel);
        if (this.#dialled.get(channel.peer) === channel) this.#dialled.delete(channel.peer);
        events.closed(channel, reason);
      },
    };
    transport.accept = (link) => this.#accept(link);
    this.#stopSweep = clock.after(SWEEP_MS, () => this.#sweep());
  }

  /** The warm channel to `peer`, or a new one. Rejects with connect_failed or cancelled. */
  async open(peer: PeerId, signal: AbortSignal): Promise<Channel> {
    const warm = this.#dialled.get(peer);
    if (warm !== undefined) return warm;
    let dialling = this.#dialling.get(peer);
    if (dialling === undefined) {
      dialling = this.#dial(peer).finally(() => this.#dialling.delete(peer));
      this.#dialling.set(peer, dialling);
    }
    return untilAborted(dialling, signal);
  }

  /** Last measured round trip to a peer that we dialled; null when unknown. */
  rttMs(peer: PeerId): number | null {
    return this.#dialled.get(peer)?.rttMs ?? null;
  }

  close(): void {
    this.#stopSweep();
    this.#closing.abort();
    for (const channel of [...this.#dialled.values(), ...this.#accepted]) channel.close();
    this.#transport.close();
  }

  /** Shared by all who wait for it, so no one's signal but our own ends it. */
  async #dial(peer: PeerId): Promise<Channel> {
    const late = new AbortController();
    const stopTimer = this.#clock.after(DIAL_TIMEOUT_MS, () => late.abort());
    try {
      const link = await this.#transport.dial(peer, AbortSignal.any([late.signal, this.#closing.signal]));
      const channel = new Channel(link, this.#clock, this.#events);
      if (channel.open) this.#dialled.set(peer, channel);
      return channel;
    } catch (cause) {
      if (!late.signal.aborted) throw cause;
      throw new MeshError('connect_failed', 'The connection to that volunteer took too long.', { cause });
    } finally {
      stopTimer();
    }
  }

  #accept(link: Link): void {
    const own = [...this.#accepted].filter(({ peer }) => peer === link.peer);
    if (own.length >= MAX_ACCEPTED_OF_ONE) own[0]?.close();
    if (this.#accepted.size >= MAX_ACCEPTED) {
      link.close();
      return;
    }
    this.#accepted.add(new Channel(link, this.#clock, this.#events));
  }

  #sweep(): void {
    const before = this.#clock.now() - IDLE_MS;
    for (const channel of [...this.#dialled.values(), ...this.#accepted]) {
      if (channel.idle && channel.lastUsedMs < before) channel.close();
    }
    this.#stopSweep = this.#clock.after(SWEEP_MS, () => this.#sweep());
  }
}
