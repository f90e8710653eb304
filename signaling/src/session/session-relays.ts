/** Where one session asks for relayed links, and not too many of them. */
import type { Clock } from '@llmesh/core/base/clock';
import type { FromServer, ToServer } from '@llmesh/core/wire/control-protocol';
import type { ErrorCode } from '@llmesh/core/base/errors';
import type { PeerId } from '@llmesh/core/base/ids';
import { TokenBucket } from '@llmesh/core/base/token-bucket';
import type { AddressBuckets } from '../sockets/address-buckets.ts';
import type { Networks } from '../sockets/address.ts';
import type { Metrics } from '../metrics.ts';
import type { NetworkRate, NetworkRates } from '../sockets/network-rate.ts';
import type { Relay } from '../relay/relay.ts';

/** One question asks for four at most. */
const RATE = { perSecond: 1, burst: 30 };
/** How often one peer is called, which it answers with a dial each, by one caller, by the networks of callers, ... */
export const CALL_RATES: NetworkRates = {
  peer: { perSecond: 0.5, burst: 8 },
  narrow: { perSecond: 4, burst: 32 },
  wide: { perSecond: 8, burst: 64 },
  spare: { perSecond: 4, burst: 16 },
  light: 2,
};
/** ... and by all callers together. */
export const CALLED_RATE = { perSecond: 32, burst: 128 };

interface SessionRelaysContext {
  clock: Clock;
  relay: Relay;
  callRate: NetworkRate;
  calledRate: AddressBuckets;
  metrics: Metrics;
  /** Peers that have proved their key. */
  sessions: ReadonlyMap<PeerId, { call(peer: PeerId, ticket: string): void }>;
}

export class SessionRelays {
  readonly #context: SessionRelaysContext;
  readonly #from: Networks;
  readonly #bucket: TokenBucket;

  constructor(context: SessionRelaysContext, from: Networks) {
    this.#context = context;
    this.#from = from;
    this.#bucket = new TokenBucket(context.clock, RATE);
  }

  /** The answer for `caller`; the other end is called already. */
  ask(caller: PeerId, { requestId, peer }: Extract<ToServer, { type: 'relay' }>): FromServer {
    const { sessions, relay, metrics, callRate, calledRate } = this.#context;
    const refused = (code: ErrorCode, message: string): FromServer => {
      metrics.refuse('relay', code);
      return { type: 'refused', requestId, code, message };
    };
    if (!this.#bucket.take(1)) return refused('rate_limited', 'Too many relayed connections. Slow down.');
    const callee = sessions.get(peer);
    if (callee === undefined || peer === caller) return refused('connect_failed', 'That volunteer has left the mesh.');
    if (!callRate.take(caller, this.#from, peer) || !calledRate.take(peer)) return refused('busy', CALLED_TOO_OFTEN);
    const tickets = relay.introduce({ peer: caller, from: this.#from }, peer);
    if (tickets === null) return refused('busy', 'There is no queues for another relayed connection. Try again soon.');
    callee.call(caller, tickets.callee);
    return { type: 'relayed', requestId, ticket: tickets.caller };
  }
}

const CALLED_TOO_OFTEN = 'That volunteer is being called too often. Try again in a few seconds.';
