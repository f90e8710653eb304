/** One peer's access to its credits: its orders, each of them answered, and the news of its account. */
import { asMeshError } from '@llmesh/core/base/errors';
import type { PeerId } from '@llmesh/core/base/ids';
import type { FromServer, ToServer } from '@llmesh/core/wire/control-protocol';
import type { Metrics } from '../metrics.ts';
import type { Networks } from '../sockets/address.ts';
import type { AccountPost } from './account-post.ts';
import { NO_LEDGER } from '../ledger/no-ledger.ts';
import type { OrderDesk } from '../ledger/order-desk.ts';

export interface SessionCreditsNeeds {
  metrics: Metrics;
  desk: OrderDesk;
  /** Null: this mesh has no credits. */
  accounts: AccountPost | null;
}

export class SessionCredits {
  readonly #needs: SessionCreditsNeeds;
  readonly #from: Networks;

  constructor(needs: SessionCreditsNeeds, from: Networks) {
    this.#needs = needs;
    this.#from = from;
  }

  /**
   * The peer was welcomed. Returns what its account says first. Where there are no credits it says so: a peer that comes back
   * after a restart may have heard of some.
   */
  welcomed(peer: PeerId): FromServer {
    return this.#needs.accounts?.welcomed(peer) ?? NO_LEDGER.account(peer);
  }

  /** The reply to the order that `by` brings. Never rejects. */
  async order(by: PeerId, { requestId, order }: Extract<ToServer, { type: 'order' }>): Promise<FromServer> {
    const { desk, metrics } = this.#needs;
    try {
      await desk.take(order, by, this.#from);
      metrics.orders.inc({ outcome: 'filed' });
      return { type: 'filed', requestId };
    } catch (thrown) {
      const { code, message } = asMeshError(thrown, 'busy', 'The mesh cannot carry anything out right now. Try again.');
      metrics.orders.inc({ outcome: code });
      return { type: 'refused', requestId, code, message };
    }
  }
}
