/**
 * The paths of a peer for what goes to somebody who has no need to know where it comes from: through the relay, and by any of them only
 * where there is no relay. It takes no calls, which come by the paths themselves.
 */
import { asMeshError } from '../base/errors.ts';
import type { PeerId } from '../base/ids.ts';
import type { Link, Transport } from './transport.ts';

export class DiscreetTransport implements Transport {
  readonly self: PeerId;
  accept: ((link: Link) => void) | null = null;
  readonly #relay: Transport;
  readonly #all: Transport;

  /** `all`: every path, the relay among them. */
  constructor(relay: Transport, all: Transport) {
    this.self = all.self;
    this.#relay = relay;
    this.#all = all;
  }

  async dial(peer: PeerId, signal: AbortSignal): Promise<Link> {
    try {
      return await this.#relay.dial(peer, signal);
    } catch (thrown) {
      const { code } = asMeshError(thrown, 'connect_failed', 'Could not make a relayed connection.');
      if (code === 'cancelled') throw thrown;
      return await this.#all.dial(peer, signal);
    }
  }

  reachable(signal: AbortSignal): Promise<void> {
    return this.#all.reachable(signal);
  }

  /** The paths are closed by whoever made them. */
  close(): void {}
}
