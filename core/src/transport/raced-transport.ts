/**
 * Several transports to the same peers as one: the better ones get a head start, and the first to open is taken. Between
 * direct and TURN WebRTC chooses on its own; the relay through the control plane joins when that takes too long.
 */
import type { Clock } from '../base/clock.ts';
import type { PeerId } from '../base/ids.ts';
import { race } from '../base/race.ts';
import type { Link, Transport } from './transport.ts';

/** WebRTC needs a fifth of this, and a second more when the first packet of its handshake was lost. */
export const HEAD_START_MS = 1_500;

export class RacedTransport implements Transport {
  readonly self: PeerId;
  accept: ((link: Link) => void) | null = null;
  #transports: readonly Transport[];
  #clock: Clock;
  #usable: (transport: Transport) => boolean;

  /** The best comes first; all are of the same peer, each sealed on its own. `usable`: now; at least one always is. */
  constructor(
    transports: readonly [Transport, ...Transport[]],
    clock: Clock,
    usable: (transport: Transport) => boolean = () => true,
  ) {
    this.#usable = usable;
    this.self = transports[0].self;
    this.#transports = transports;
    this.#clock = clock;
    for (const transport of transports) {
      transport.accept = (link) => {
        if (this.accept === null) link.close();
        else this.accept(link);
      };
    }
  }

  dial(peer: PeerId, signal: AbortSignal): Promise<Link> {
    return this.#race<Link>(
      (transport, either) => transport.dial(peer, either),
      (late) => late.close(),
      signal,
    );
  }

  /** Resolves when one way is ready, but gives the better ones some time first. */
  reachable(signal: AbortSignal): Promise<void> {
    return this.#race(
      (transport, either) => transport.reachable(either),
      () => {},
      signal,
    );
  }

  close(): void {
    for (const transport of this.#transports) transport.close();
  }

  #race<T>(
    way: (transport: Transport, signal: AbortSignal) => Promise<T>,
    drop: (late: T) => void,
    signal: AbortSignal,
  ): Promise<T> {
    const ways = this.#transports
      .filter(this.#usable)
      .map((transport) => (either: AbortSignal) => way(transport, either));
    return race(ways, { clock: this.#clock, headStartMs: HEAD_START_MS, afterFailure: true, drop, signal });
  }
}
