/** The open channels of this peer: dialled or accepted, kept warm, and closed when nobody needs them. */
import { untilAborted } from '../base/abort.ts';
import { Channel, type ChannelEvents, type Message } from './channel.ts';
import type { Clock } from '../base/clock.ts';
import { MeshError } from '../base/errors.ts';
import type { PeerId } from '../base/ids.ts';
import type { Link, Transport } from '../transport/transport.ts';

const DIAL_TIMEOUT_MS = 10_000;
/** A warm link saves the next question a handshake; after this long it only costs memory. */
const IDLE_MS = 120_000;
const SWEEP_MS = 10_000;
/** Strangers may open links to us. Beyond this many, a new one replaces the one that was idle longest. */
const MAX_ACCEPTED = 256;
/** How many links one peer may have; a newer one replaces its oldest, which may have died unnoticed. */
const MAX_ACCEPTED_OF_ONE = 8;

export interface LinkEvents {
  /** A channel was dialled or accepted. */
  opened(channel: Channel): void;
  message(channel: Channel, message: Message): void;
  closed(channel: Channel, reason: MeshError | null): void;
}

export class Links {
  #transport: Transport;
  /** Set while links could not be reopened: then none is closed for being idle. */
  keepIdle = false;
  #clock: Clock;
  #told: LinkEvents;
  #events: ChannelEvents;
  #dialled = new Map<PeerId, Channel>();
  #dialling = new Map<PeerId, Promise<Channel>>();
  #accepted = new Set<Channel>();
  #closing = new AbortController();
  #stopSweep: () => void;

  constructor(transport: Transport, clock: Clock, events: LinkEvents) {
    this.#transport = transport;
    this.#clock = clock;
    this.#told = events;
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
    if (warm !== undefined && !warm.doubted) return warm;
    let dialling = this.#dialling.get(peer);
    if (dialling === undefined) {
      dialling = this.#dial(peer).finally(() => this.#dialling.delete(peer));
      this.#dialling.set(peer, dialling);
    }
    return untilAborted(dialling, signal);
  }

  /** Its computer may have gone silently: the link has to prove that it lives, and until then another is dialled. */
  doubt(peer: PeerId): void {
    this.#dialled.get(peer)?.doubt();
  }

  /** It left the mesh, maybe a moment before its link breaks: an unused link has to be dialled again. */
  gone(peer: PeerId): void {
    const warm = this.#dialled.get(peer);
    if (warm?.idle === true) warm.close();
    else warm?.doubt();
  }

  /** Is there a warm channel that we dialled, so that its other end has proved who it is? */
  dialled(peer: PeerId): boolean {
    return this.#dialled.has(peer);
  }

  /** The open channel to `peer`, preferably one that we dialled. Null: there is none whose other end is proven. */
  to(peer: PeerId): Channel | null {
    const accepted = () => [...this.#accepted].findLast((channel) => channel.proven && channel.peer === peer);
    return this.#dialled.get(peer) ?? accepted() ?? null;
  }

  /** One channel for each peer that proved who it is, chosen as by `to`. */
  all(): Channel[] {
    const peers = new Map<PeerId, Channel>();
    for (const channel of [...this.#accepted, ...this.#dialled.values()]) {
      if (channel.proven) peers.set(channel.peer, channel);
    }
    return [...peers.values()];
  }

  /** The last measured round trip to a peer that we dialled; null when unknown. */
  rttMs(peer: PeerId): number | null {
    return this.#dialled.get(peer)?.rttMs ?? null;
  }

  close(): void {
    this.#stopSweep();
    this.#closing.abort();
    for (const channel of [...this.#dialled.values(), ...this.#accepted]) channel.close();
    this.#transport.close();
  }

  /** All that wait for it share it, so only our own signal ends it. */
  async #dial(peer: PeerId): Promise<Channel> {
    const late = new AbortController();
    const stopTimer = this.#clock.after(DIAL_TIMEOUT_MS, () => late.abort());
    try {
      const link = await this.#transport.dial(peer, AbortSignal.any([late.signal, this.#closing.signal]));
      const channel = new Channel(link, this.#clock, this.#events);
      const before = this.#dialled.get(peer);
      if (before?.doubted === false) {
        // The old channel lives after all, and may carry answers.
        channel.close();
        return before;
      }
      before?.close();
      if (channel.open) {
        this.#dialled.set(peer, channel);
        this.#told.opened(channel);
      }
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
      const idle = this.#idlest();
      // All of these wait for answers of ours.
      if (idle === null) {
        link.close();
        return;
      }
      idle.close();
    }
    const channel = new Channel(link, this.#clock, this.#events);
    if (!channel.open) return;
    this.#accepted.add(channel);
    this.#told.opened(channel);
  }

  /** Links cost a peer nothing, so idle ones must not keep out a peer that comes with a question. */
  #idlest(): Channel | null {
    let idlest: Channel | null = null;
    for (const channel of this.#accepted) {
      if (channel.idle && (idlest === null || channel.lastUsedMs < idlest.lastUsedMs)) idlest = channel;
    }
    return idlest;
  }

  #sweep(): void {
    const before = this.#clock.now() - IDLE_MS;
    for (const channel of [...this.#dialled.values(), ...this.#accepted]) {
      if (!this.keepIdle && channel.idle && channel.lastUsedMs < before) channel.close();
    }
    this.#stopSweep = this.#clock.after(SWEEP_MS, () => this.#sweep());
  }
}
