/** One peer's access to the matchmaker: its matches, answered with leases or with its position in the queue. */
import type { AuditOffice } from '../audit/audit-office.ts';
import type { FromServer, ToServer } from '@llmesh/core/wire/control-protocol';
import { MeshError } from '@llmesh/core/base/errors';
import type { PeerId } from '@llmesh/core/base/ids';
import { MAX_LEASE_UNITS } from '@llmesh/core/receipts/lease';
import { isPublic, widerNetworkOf, type Networks } from '../sockets/address.ts';
import type { DepartureNews } from './departure-news.ts';
import type { LeaseDraft, LeaseOffice } from '../receipts/lease-office.ts';
import type { Metrics } from '../metrics.ts';
import type { NetworkRate, NetworkRates } from '../sockets/network-rate.ts';
import type { Preloading } from '../match/preloading.ts';
import type { MatchQueues } from '../match/match-queues.ts';
import { offerKey } from '@llmesh/core/policy/offer-key';
import { PLAIN } from '@llmesh/core/policy/price';
import { CHAT } from '@llmesh/core/wire/model-advert';
import type { Candidate } from '@llmesh/core/wire/candidate';
import type { Fare, Fares } from '../price/fares.ts';
import type { OfferIdentity } from '../price/price-list.ts';
import type { Registry } from '../registry/registry.ts';

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
  registry: Pick<Registry, 'find' | 'meant'>;
  /** Null: this mesh has no credits. */
  fares: Fares | null;
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
    const { queues, preloading, matchRate, fares } = this.#needs;
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
      const fare = fares?.of(requester, match, this.#offerOf(match)) ?? null;
      queues.ask({
        ...match,
        requester,
        from: this.#from,
        pays: () => fare !== null && fares?.covers(requester, fare) === true,
        matched: (candidates) => void this.#matched(requester, match, candidates, fare),
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

  async #matched(requester: PeerId, match: Match, candidates: Candidate[], fare: Fare | null): Promise<void> {
    const { leases, metrics, departures, preloading, audits } = this.#needs;
    const { requestId, task = CHAT, model, maxUnits, complexity = PLAIN } = match;
    metrics.matched(candidates.length > 0);
    const [first] = candidates;
    if (first !== undefined) preloading.sent(first.peerId, first.model);
    audits.sent(candidates);
    const draft = leases.draft();
    let price: number;
    try {
      price = await this.#paid(requester, candidates, fare, draft);
    } catch (thrown) {
      if (!(thrown instanceof MeshError)) throw thrown;
      // Its slot goes to the next.
      this.withdraw(requester, requestId);
      this.#refuse(requestId, thrown);
      return;
    }
    const lease = await leases.lease(candidates, { requester, task, model, complexity, maxUnits }, price, draft);
    this.#say({ type: 'matched', requestId, lease, candidates });
    const providers = candidates.map(({ peerId }) => peerId);
    departures.named(requester, providers);
  }

  /**
   * The price for which credits are put aside; 0: there are none, and the answer is free. Rejects with credits_short or
   * busy where it has to be paid.
   */
  async #paid(
    requester: PeerId,
    candidates: readonly Candidate[],
    fare: Fare | null,
    draft: LeaseDraft,
  ): Promise<number> {
    const { fares } = this.#needs;
    if (fares === null || fare === null || candidates.length === 0) return 0;
    // Whoever asks one of their own owes nobody, and earns nothing from it.
    if (candidates.some(({ peerId }) => this.#isNear(peerId))) return 0;
    try {
      if (fares.covers(requester, fare) && (await fares.hold(requester, fare, draft))) return fare.price;
    } catch (thrown) {
      // Nothing can be written down right now: where nobody has to pay, this one need not.
      if (fares.areRequired || !(thrown instanceof MeshError && thrown.code === 'busy')) throw thrown;
    }
    if (fares.areRequired) throw fares.short(requester, fare);
    return 0;
  }

  /** Does it share our wide network? Addresses that tell nobody apart say nothing. */
  #isNear(provider: PeerId): boolean {
    const network = this.#needs.registry.find(provider)?.network;
    return network !== undefined && isPublic(network) && widerNetworkOf(network) === this.#from.wide;
  }

  #offerOf(match: Match): OfferIdentity {
    const { task, model: id, sha256 = null } = match;
    return this.#needs.registry.meant(match) ?? { task, id, sha256 };
  }
}

const TOO_LONG = `An answer can have at most ${MAX_LEASE_UNITS} tokens. Ask for a shorter one.`;
const TOO_OFTEN = 'Too many questions at once from your network. Ask again in a few seconds.';
