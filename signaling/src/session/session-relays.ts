/** One session's requests for relayed links, rate-limited. */
import type { Clock } from '@llmesh/core/base/clock';
import type { FromServer, ToServer } from '@llmesh/core/wire/control-protocol';
import { asMeshError, MeshError, type ErrorCode } from '@llmesh/core/base/errors';
import type { PeerId } from '@llmesh/core/base/ids';
import { TokenBucket } from '@llmesh/core/base/token-bucket';
import type { AddressBuckets } from '../sockets/address-buckets.ts';
import type { Networks } from '../sockets/address.ts';
import type { Metrics } from '../metrics.ts';
import type { NetworkRate, NetworkRates } from '../sockets/network-rate.ts';
import type { Relay } from '../relay/relay.ts';
import type { Sessions } from './sessions.ts';

/** One question asks for four at most. */
const RATE = { perSecond: 1, burst: 30 };
/** How often one peer is called, which costs it a dial each time: by one caller, by the networks of callers, ... */
export const CALL_RATES: NetworkRates = {
  peer: { perSecond: 0.5, burst: 8 },
  narrow: { perSecond: 4, burst: 32 },
  wide: { perSecond: 8, burst: 64 },
  spare: { perSecond: 4, burst: 16 },
  light: 2,
};
/** ... and by all callers together. */
export const CALLED_RATE = { perSecond: 32, burst: 128 };

export interface SessionRelaysNeeds {
  clock: Clock;
  relay: Relay;
  callRate: NetworkRate;
  calledRate: AddressBuckets;
  metrics: Metrics;
  sessions: Sessions;
}

export class SessionRelays {
  readonly #needs: SessionRelaysNeeds;
  readonly #from: Networks;
  readonly #bucket: TokenBucket;

  constructor(needs: SessionRelaysNeeds, from: Networks) {
    this.#needs = needs;
    this.#from = from;
    this.#bucket = new TokenBucket(needs.clock, RATE);
  }

  /** The answer for `caller`; the other end has been called already. Never rejects. */
  async ask(caller: PeerId, { requestId, peer }: Extract<ToServer, { type: 'relay' }>): Promise<FromServer> {
    const { metrics } = this.#needs;
    const refused = (code: ErrorCode, message: string): FromServer => {
      metrics.refuse('relay', code);
      return { type: 'refused', requestId, code, message };
    };
    if (!this.#bucket.take(1)) return refused('rate_limited', 'Too many relayed connections. Slow down.');
    try {
      const ticket = await this.#introduce(caller, peer);
      return { type: 'relayed', requestId, ticket };
    } catch (thrown) {
      const { code, message } = asMeshError(
        thrown,
        'busy',
        'No relayed connection can be made right now. Try again soon.',
      );
      return refused(code, message);
    }
  }

  /** The ticket of `caller`. Throws connect_failed and busy. */
  async #introduce(caller: PeerId, callee: PeerId): Promise<string> {
    const { sessions, relay, callRate, calledRate } = this.#needs;
    if (callee === caller || !(await sessions.isAnywhere(callee))) throw hasLeft();
    if (!callRate.take(caller, this.#from, callee) || !calledRate.take(callee))
      throw new MeshError('busy', CALLED_TOO_OFTEN);
    const introduced = await relay.introduce({ peer: caller, from: this.#from }, callee);
    if (introduced === null) throw new MeshError('busy', NO_ROOM);
    let called = false;
    try {
      called = await sessions.post.reach(callee, { type: 'call', peer: caller, ticket: introduced.callee });
    } finally {
      if (!called) introduced.cancel();
    }
    if (!called) throw hasLeft();
    return introduced.caller;
  }
}

const CALLED_TOO_OFTEN = 'That volunteer is being called too often. Try again in a few seconds.';
const NO_ROOM = 'There is no room for another relayed connection. Try again soon.';

function hasLeft(): MeshError {
  return new MeshError('connect_failed', 'That volunteer has left the mesh.');
}
