/** Who can answer with a model: a shortlist, ranked by the same policy as the requester's. */
import { isAble as isAbleWith, type Needs } from '@llmesh/core/policy/abilities';
import type { PeerId } from '@llmesh/core/base/ids';
import { readOfferKey, type OfferRef, type OfferKey } from '@llmesh/core/policy/offer-key';
import { MAX_NAMED_PEERS } from '@llmesh/core/wire/control-protocol';
import { MAX_CANDIDATES } from '@llmesh/core/wire/candidate';
import { rank, TYPICAL_ANSWER_TOKENS, UNKNOWN_TOKENS_PER_SECOND } from '@llmesh/core/policy/route';
import { isOf } from '../registry/offer-index.ts';
import type { Registry } from '../registry/registry.ts';
import type { Reliability } from './reliability.ts';
import type { Candidate } from '@llmesh/core/wire/candidate';
import {
  hasFreeSlot,
  isShunned,
  modelOf,
  availabilityOf,
  type RegisteredPeer,
  type Availability,
} from '../registry/registered-peer.ts';

/**
 * Candidates ranked for one shortlist: this many with a free slot, drawn at random. In the simulator
 * (`npm run sim -- --choice`, slots promised as here, 95 % of them busy, ranked by the square of the time and not yet by
 * its cube) a typical answer takes 10.2 s with the best of two, 9.6 s with four, 8.2 s with sixteen and with sixty-four;
 * with half of them busy sixteen cost 3 % compared with sixty-four. Each one drawn adds to the cost of every match.
 */
const SAMPLE = 16;

/** Only providers that meet these: see `Needs`. */
export interface MatchQuestion extends Needs, OfferRef {
  /** The peer that asks: nobody is sent to themselves. */
  requester: PeerId;
  exclude: readonly PeerId[];
  /** Only these; null: any. */
  only: readonly PeerId[] | null;
  /** Comes first when it has a free slot and is not far slower than others. */
  prefer: PeerId | null;
}

export class Matchmaker {
  readonly #registry: Registry;
  readonly #reliability: Reliability;
  readonly #random: () => number;

  /** Connects the registry to this reliability record. */
  constructor(registry: Registry, reliability: Reliability, random: () => number) {
    registry.ranks.books = reliability;
    this.#registry = registry;
    this.#reliability = reliability;
    this.#random = random;
  }

  /**
   * Best first, at most MAX_CANDIDATES: those with a free slot, where the model may have to be loaded first, then as
   * spares those without. Empty: nobody that this requester may be sent to offers the model now; null: all that do are
   * full.
   */
  match(question: MatchQuestion): Candidate[] | null {
    const { prefer } = question;
    const candidates: Candidate[] = [];
    const add = (peer: RegisteredPeer) => candidates.push(this.candidate(peer, question));
    this.#sample(question, 'free', SAMPLE, add);
    // Just a few: loading the model may still be faster.
    this.#sample(question, 'resting', candidates.length === 0 ? SAMPLE : MAX_CANDIDATES, add);
    const preferred = prefer === null ? null : this.#registry.find(prefer);
    if (preferred !== null && this.#mayHave(question, preferred) && hasFreeSlot(preferred)) {
      if (!candidates.some(({ peerId }) => peerId === prefer)) add(preferred);
    }
    if (candidates.length === 0) {
      let full = false;
      this.#sample(question, 'full', 1, () => (full = true));
      return full ? null : [];
    }
    if (candidates.length < MAX_CANDIDATES) this.#sample(question, 'full', MAX_CANDIDATES - candidates.length, add);
    // Round trips between two peers are theirs to measure: the requester ranks again with them.
    const ranked = rank(candidates, { exclude: NOBODY, prefer, rttMs: unmeasured, random: this.#random });
    if (ranked.length > MAX_CANDIDATES) ranked.length = MAX_CANDIDATES;
    return ranked;
  }

  /** Which of these questions, all about this offer, no present provider can ever answer, however long they wait. */
  impossible<T extends MatchQuestion>(offer: OfferKey, questions: readonly T[]): T[] {
    const asked = readOfferKey(offer);
    // Finds more providers than one question can exclude. Few kinds of needs occur: each is looked up once.
    const able = new Map<string, RegisteredPeer[]>();
    const anyone = (question: T) => {
      const group = this.#registry.meant(question);
      const needs = question.needs?.toSorted().join(' ') ?? '';
      // Nobody is named 'any ': names have no spaces.
      const attestor = question.attestedBy === null ? 'any ' : (question.attestedBy ?? '');
      const kind = `${group?.sha256 ?? ''} ${group?.embeds ?? ''} ${question.adapter ?? ''} ${question.bringsAdapter === true} ${attestor} ${needs}`;
      let found = able.get(kind);
      if (found === undefined) {
        found = this.#registry.present(group, MAX_NAMED_PEERS + 2, (peer) => isAble(peer, question));
        able.set(kind, found);
      }
      return found;
    };
    return questions.filter((question) => {
      const { requester, exclude, only } = question;
      const named = only?.map((peerId) => this.#registry.find(peerId)).filter((peer) => peer !== null);
      return !(named ?? anyone(question)).some(
        (peer) =>
          peer.peerId !== requester &&
          !exclude.includes(peer.peerId) &&
          isAble(peer, question) &&
          this.#registry.isPresent(peer, asked),
      );
    });
  }

  /** A few resting providers that `suits` accepts, drawn at random, best first. */
  resting(
    offer: OfferKey,
    availabilities: readonly Exclude<Availability, 'silent'>[],
    suits: (peer: RegisteredPeer) => boolean,
  ): Candidate[] {
    const candidates: Candidate[] = [];
    const asked = readOfferKey(offer);
    const group = this.#registry.meant(asked);
    for (const availability of availabilities) {
      this.#registry.matchable(group, availability, this.#random, (peer) => {
        if (suits(peer)) candidates.push(this.candidate(peer, asked));
        return candidates.length === SAMPLE;
      });
    }
    return rank(candidates, { exclude: NOBODY, prefer: null, rttMs: unmeasured, random: this.#random });
  }

  /** Does this provider of a model with this id have the very file that the question is about? */
  isMeant(question: MatchQuestion, peer: RegisteredPeer): boolean {
    const offered = modelOf(peer, question);
    // The named providers were chosen for who they are.
    if (offered === null || (question.only !== null && question.sha256 === undefined)) return offered !== null;
    const group = this.#registry.meant(question);
    return group !== null && isOf(group, offered);
  }

  /** Visits all recently heard providers of this offer, in no order, until `visit` returns true. */
  offering(offer: OfferKey, visit: (peer: RegisteredPeer) => boolean): void {
    let enough = false;
    const group = this.#registry.meant(readOfferKey(offer));
    for (const availability of ['free', 'full', 'resting'] as const) {
      if (!enough) this.#registry.matchable(group, availability, this.#random, (peer) => (enough = visit(peer)));
    }
  }

  /** Typical answers per second of all providers of this offer, as far as their speeds are credible. */
  answersPerSecond(offer: OfferKey): number {
    let tokens = 0;
    const { ranks } = this.#registry;
    const asked = readOfferKey(offer);
    const group = this.#registry.meant(asked);
    this.offering(offer, (peer) => {
      const offered = modelOf(peer, asked);
      const speed = offered === null ? null : ranks.speed(peer, offered, group);
      tokens += peer.slots * (speed ?? UNKNOWN_TOKENS_PER_SECOND);
      return false;
    });
    return tokens / TYPICAL_ANSWER_TOKENS;
  }

  /** The same, but only for the named providers. */
  answersPerSecondOf(asked: OfferRef, named: readonly PeerId[]): number {
    let tokens = 0;
    for (const peerId of new Set(named)) {
      const peer = this.#registry.find(peerId);
      const offered = peer === null ? null : modelOf(peer, asked);
      if (peer !== null && offered !== null)
        tokens += peer.slots * (offered.tokensPerSecond ?? UNKNOWN_TOKENS_PER_SECOND);
    }
    return tokens / TYPICAL_ANSWER_TOKENS;
  }

  /** Visits at most this many of the permitted providers, at random. */
  #sample(
    question: MatchQuestion,
    availability: Exclude<Availability, 'silent'>,
    most: number,
    take: (peer: RegisteredPeer) => void,
  ): void {
    const { only } = question;
    let left = most;
    if (only === null) {
      // As objects: comparing the ids of sixteen providers means fetching them from memory, the slowest part of all.
      const requester = this.#registry.find(question.requester);
      const exclude = question.exclude.map((peerId) => this.#registry.find(peerId));
      this.#registry.matchable(this.#registry.meant(question), availability, this.#random, (peer) => {
        if (peer === requester || (exclude.length > 0 && exclude.includes(peer)) || !isAble(peer, question))
          return false;
        take(peer);
        return --left === 0;
      });
      return;
    }
    for (const peerId of new Set(only)) {
      const peer = this.#registry.find(peerId);
      const offered = peer === null ? null : modelOf(peer, question);
      if (
        peer === null ||
        offered === null ||
        !this.#mayHave(question, peer) ||
        availabilityOf(peer, offered) !== availability
      )
        continue;
      take(peer);
      if (--left === 0) return;
    }
  }

  /** Can a named peer, which was not found by its model, be a candidate? */
  #mayHave(question: MatchQuestion, peer: RegisteredPeer): boolean {
    const { requester, exclude, only } = question;
    if (peer.peerId === requester || exclude.includes(peer.peerId) || only?.includes(peer.peerId) === false)
      return false;
    if (only === null && isShunned(peer, question)) return false;
    return this.isMeant(question, peer) && isAble(peer, question) && this.#registry.isHeard(peer);
  }

  /** The candidate entry of a provider of this. */
  candidate(peer: RegisteredPeer, asked: OfferRef): Candidate {
    const { peerId, agent, slots, queued, certificate } = peer;
    const offered = modelOf(peer, asked)!;
    const tokensPerSecond = this.#registry.ranks.speed(peer, offered, this.#registry.groupOf(offered));
    const model = tokensPerSecond === offered.tokensPerSecond ? offered : { ...offered, tokensPerSecond };
    // A slot that is kept for another does not count as free.
    const busySlots = Math.min(slots, peer.busySlots + peer.promised);
    return { peerId, agent, model, slots, busySlots, queued, reliability: this.#reliability.of(peerId), certificate };
  }
}

/** Can it do what was asked with its model? */
export function isAble(peer: RegisteredPeer, question: Needs & OfferRef): boolean {
  const { needs, adapter, sha256, attestedBy } = question;
  const isPlain = adapter === undefined && sha256 === undefined && attestedBy === undefined;
  if ((needs === undefined || needs.length === 0) && isPlain) return true;
  const offered = modelOf(peer, question);
  return offered !== null && isAbleWith(offered, question);
}

const NOBODY: ReadonlySet<PeerId> = new Set();

function unmeasured(): null {
  return null;
}
