/** Who can answer with a model: a shortlist, ranked by the same policy that the requester ranks with. */
import type { ModelId, PeerId } from '@llmesh/core/ids';
import { MAX_CANDIDATES, type Candidate } from '@llmesh/core/control-protocol';
import { rank } from '@llmesh/core/route';
import type { RegisteredPeer, Registry } from './registry.ts';

/**
 * Ranked for one shortlist. A random sample of this size nearly always holds providers among the best few per cent, and keeps a
 * match cheap when thousands offer the same model.
 */
const SAMPLE = 64;

export interface MatchQuestion {
  model: ModelId;
  /** Who asks: nobody is sent to themselves. */
  asker: PeerId;
  exclude: readonly PeerId[];
  /** No one but these; null: anyone. */
  only: readonly PeerId[] | null;
  /** First, when it has a free slot. */
  prefer: PeerId | null;
}

export class Matchmaker {
  readonly #registry: Registry;
  readonly #random: () => number;

  constructor(registry: Registry, random: () => number) {
    this.#registry = registry;
    this.#random = random;
  }

  /** Best first, at most MAX_CANDIDATES; those without a free slot come last, to queue at. */
  match(question: MatchQuestion): Candidate[] {
    const exclude = new Set<PeerId>([...question.exclude, question.asker]);
    const free: Candidate[] = [];
    const full: Candidate[] = [];
    const only = question.only === null ? null : new Set(question.only);
    for (const peer of this.#registry.matchable(question.model, this.#random)) {
      if (exclude.has(peer.peerId) || only?.has(peer.peerId) === false) continue;
      const candidate = candidateOf(peer, question.model);
      if (candidate === null) continue;
      if (peer.busySlots + peer.queued < peer.slots) free.push(candidate);
      else if (full.length < SAMPLE) full.push(candidate);
      if (free.length === SAMPLE) break;
    }
    // Round trips between two peers are theirs to measure: the requester ranks again with them.
    const context = { exclude, rttMs: () => null, random: this.#random };
    return rank([...free, ...full], context).slice(0, MAX_CANDIDATES);
  }
}

function candidateOf(peer: RegisteredPeer, id: ModelId): Candidate | null {
  const model = peer.models.find((offered) => offered.id === id);
  if (model === undefined) return null;
  const { peerId, agent, slots, busySlots, queued, certificate } = peer;
  return { peerId, agent, model, slots, busySlots, queued, reliability: 1, certificate };
}
