/** One peer's access to the matchmaker: its matches, answered with leases or with its position in the queue. */
import type { AuditOffice } from '../audit/audit-office.ts';
import type { FromServer, ToServer } from '@llmesh/core/wire/control-protocol';
import { MeshError } from '@llmesh/core/base/errors';
import type { PeerId } from '@llmesh/core/base/ids';
import { MAX_LEASE_UNITS } from '@llmesh/core/receipts/lease';
import type { Networks } from '../sockets/address.ts';
import type { DepartureNews } from './departure-news.ts';
import type { LeaseOffice } from '../receipts/lease-office.ts';
import type { Metrics } from '../metrics.ts';
import type { NetworkRate, NetworkRates } from '../sockets/network-rate.ts';
import type { Preloading } from '../match/preloading.ts';
import type { MatchQueues } from '../match/match-queues.ts';
import { offerKey } from '@llmesh/core/policy/offer-key';
import { PLAIN } from '@llmesh/core/policy/price';
import { CHAT } from '@llmesh/core/wire/model-advert';
import type { Candidate } from '@llmesh/core/wire/candidate';

/** A gateway with hundreds of clients is one peer, a university one address. A match is a shortlist and a signature. */
export const MATCH_RATES: NetworkRates = {
  peer: { perSecond: 50, burst: 200 },
  narrow: { perSecond: 400, burst: 2_000 },
  wide: { perSecond: 800, burst: 4_000 },
  spare: { perSecond: 100, burst: 400 },
  light: 20,
};

export interface SessionMatchesNeeds {
  queues: MatchQueues;
  leases: LeaseOffice;
  metrics: Metrics;
  departures: DepartureNews;
  preloading: Preloading;
  matchRate: NetworkRate;
  audits: Pick<AuditOffice, 'sent'>;
}
type Match = Extract<ToServer, { type: 'match' }>;

export class SessionMatches {
  readonly #needs: SessionMatchesNeeds;
  readonly #from: Networks;
  readonly #say: (message: FromServer) => void;

  constructor(needs: SessionMatchesNeeds, from: Networks, say: (message: FromServer) => void) {
    this.#needs = needs;
    this.#from = from;
    this.#say = say;
  }

  /** No longer wanted, whether it waits or was answered. */
  withdraw(requester: PeerId, requestId: number): void {
    this.#needs.queues.withdraw(requester, requestId);
  }

  ask(requester: PeerId, match: Match): void {
    const { queues, preloading, matchRate } = this.#needs;
    const { requestId } = match;
    if (match.maxUnits > MAX_LEASE_UNITS) {
      this.#refuse(requestId, new MeshError('bad_message', TOO_LONG));
      return;
    }
    if (!matchRate.take(requester, this.#from)) {
      this.#refuse(requestId, new MeshError('rate_limited', TOO_OFTEN));
      return;
    }
    // Other providers would not help a requester that names its own, or a file.
    if (match.only === null && match.sha256 === undefined) preloading.asked(offerKey(match));
    try {
      queues.ask({
        ...match,
        requester,
        from: this.#from,
        matched: (candidates) => void this.#matched(requester, match, candidates),
        queued: (place) => this.#say({ type: 'queued', requestId, ...place }),
        refused: (error) => this.#refuse(requestId, error),
      });
    } catch (thrown) {
      if (!(thrown instanceof MeshError)) throw thrown;
      this.#refuse(requestId, thrown);
    }
  }

  #refuse(requestId: number, { code, message }: MeshError): void {
    this.#needs.metrics.refuse('mesh', code);
    this.#say({ type: 'refused', requestId, code, message });
  }

  async #matched(requester: PeerId, match: Match, candidates: Candidate[]): Promise<void> {
    const { leases, metrics, departures, preloading, audits } = this.#needs;
    const { requestId, task = CHAT, model, maxUnits, complexity = PLAIN } = match;
    metrics.matched(candidates.length > 0);
    const [first] = candidates;
    if (first !== undefined) preloading.sent(first.peerId, first.model);
    audits.sent(candidates);
    const lease = await leases.lease(candidates, { requester, task, model, complexity, maxUnits });
    this.#say({ type: 'matched', requestId, lease, candidates });
    const providers = candidates.map(({ peerId }) => peerId);
    departures.named(requester, providers);
  }
}

const TOO_LONG = `An answer can have at most ${MAX_LEASE_UNITS} tokens. Ask for a shorter one.`;
const TOO_OFTEN = 'Too many questions at once from your network. Ask again in a few seconds.';
