/** One peer's way to the matchmaker: its matches, answered with leave for whoever is named, or with its place in the line. */
import type { Candidate, FromServer, ToServer } from '@llmesh/core/control-protocol';
import { MeshError, type ErrorCode } from '@llmesh/core/errors';
import type { PeerId } from '@llmesh/core/ids';
import { MAX_LEASE_TOKENS } from '@llmesh/core/lease';
import type { Departures } from './departures.ts';
import type { LeaseOffice } from './lease-office.ts';
import type { Metrics } from './metrics.ts';
import type { Preloading } from './preloading.ts';
import type { WaitingRoom } from './waiting-room.ts';

export interface MatchDeskNeeds {
  room: WaitingRoom;
  leases: LeaseOffice;
  metrics: Metrics;
  departures: Departures;
  preloading: Preloading;
}
type Match = Extract<ToServer, { type: 'match' }>;

export class MatchDesk {
  readonly #needs: MatchDeskNeeds;
  readonly #say: (message: FromServer) => void;

  constructor(needs: MatchDeskNeeds, say: (message: FromServer) => void) {
    this.#needs = needs;
    this.#say = say;
  }

  ask(asker: PeerId, match: Match): void {
    const { room, preloading } = this.#needs;
    const { requestId } = match;
    if (match.maxTokens > MAX_LEASE_TOKENS) return this.#refuse(requestId, 'bad_message', TOO_LONG);
    // Whoever names providers, or a file, would not be helped by others.
    if (match.only === null && match.sha256 === undefined) preloading.asked(match.model);
    try {
      room.ask({
        ...match,
        asker,
        matched: (candidates) => void this.#matched(asker, match, candidates),
        queued: (place) => this.#say({ type: 'queued', requestId, ...place }),
      });
    } catch (thrown) {
      if (!(thrown instanceof MeshError)) throw thrown;
      const { code, message } = thrown;
      this.#refuse(requestId, code, message);
    }
  }

  #refuse(requestId: number, code: ErrorCode, message: string): void {
    this.#needs.metrics.refuse('mesh', code);
    this.#say({ type: 'refused', requestId, code, message });
  }

  async #matched(requester: PeerId, match: Match, candidates: Candidate[]): Promise<void> {
    const { leases, metrics, departures, preloading } = this.#needs;
    const { requestId, model, maxTokens } = match;
    metrics.matched(candidates.length > 0);
    const [first] = candidates;
    if (first !== undefined) preloading.sent(first.peerId, first.model);
    const lease = await leases.lease(candidates, { requester, model, maxTokens });
    this.#say({ type: 'matched', requestId, lease, candidates });
    const providers = candidates.map(({ peerId }) => peerId);
    departures.named(requester, providers);
  }
}

const TOO_LONG = `No answer may have more than ${MAX_LEASE_TOKENS} tokens. Ask for a shorter one.`;
