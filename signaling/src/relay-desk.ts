/** Where one session asks for relayed links, and not too many of them. */
import type { Clock } from '@llmesh/core/clock';
import type { FromServer, ToServer } from '@llmesh/core/control-protocol';
import type { ErrorCode } from '@llmesh/core/errors';
import type { PeerId } from '@llmesh/core/ids';
import { TokenBucket } from '@llmesh/core/token-bucket';
import type { Metrics } from './metrics.ts';
import type { Relay } from './relay.ts';

/** One question asks for four at most. */
const RATE = { perSecond: 1, burst: 30 };

interface RelayDeskContext {
  clock: Clock;
  relay: Relay;
  metrics: Metrics;
  /** Peers that have proved their key. */
  sessions: ReadonlyMap<PeerId, { call(peer: PeerId, ticket: string): void }>;
}

export class RelayDesk {
  readonly #context: RelayDeskContext;
  readonly #bucket: TokenBucket;

  constructor(context: RelayDeskContext) {
    this.#context = context;
    this.#bucket = new TokenBucket(context.clock, RATE);
  }

  /** The answer for `caller`; the other end is called already. */
  ask(caller: PeerId, { requestId, peer }: Extract<ToServer, { type: 'relay' }>): FromServer {
    const { sessions, relay, metrics } = this.#context;
    const refused = (code: ErrorCode, message: string): FromServer => {
      metrics.refuse('relay', code);
      return { type: 'refused', requestId, code, message };
    };
    if (!this.#bucket.take(1)) return refused('rate_limited', 'Too many relayed connections. Slow down.');
    const callee = sessions.get(peer);
    if (callee === undefined || peer === caller) return refused('connect_failed', 'That volunteer has left the mesh.');
    const tickets = relay.introduce(caller, peer);
    if (tickets === null) return refused('busy', 'There is no room for another relayed connection. Try again soon.');
    callee.call(caller, tickets.callee);
    return { type: 'relayed', requestId, ticket: tickets.caller };
  }
}
