/** The providers that this peer has heard of, for when the control plane is unreachable. Kept only in memory. */
import { BoundedMap } from '../base/bounded-map.ts';
import type { PeerId } from '../base/ids.ts';
import { offerKey, offerKeyOf, type OfferRef } from '../policy/offer-key.ts';
import { MAX_KNOWN_AGE_SECONDS, MAX_KNOWN_PEERS, type KnownPeer } from '../protocol.ts';
import type { Candidate } from '../wire/candidate.ts';

/** How many providers named by the control plane we remember; those named longest ago are forgotten first. */
const MAX_MATCHED = 256;
/** How many peers' news is kept, each with one answer of at most MAX_KNOWN_PEERS: nobody displaces another's news. */
const MAX_SOURCES = 32;
/** How many peers that were asked for by name are remembered. */
const MAX_UNTOLD = 1_024;
/** Praise by peers is not believed: it ranks behind every provider that the control plane has seen at work. */
const TOLD_RELIABILITY = 0.5;

interface News {
  candidate: Candidate;
  /** When a first-hand source said so, by our clock. */
  saidMs: number;
  linked: boolean;
}

export class KnownProviders {
  readonly #self: PeerId;
  readonly #nowMs: () => number;
  readonly #matched = new BoundedMap<string, News>(MAX_MATCHED);
  readonly #told = new BoundedMap<PeerId, News[]>(MAX_SOURCES);
  readonly #untold = new Set<PeerId>();
  #shunned: ReadonlySet<PeerId> = new Set();

  constructor(self: PeerId, nowMs: () => number) {
    this.#self = self;
    this.#nowMs = nowMs;
  }

  /**
   * Notes the providers that the control plane named. `asked`: they were asked for by name. Whom someone trusts is
   * private, so others are not told about these.
   */
  matched(candidates: readonly Candidate[], asked: boolean): void {
    for (const candidate of candidates) {
      const key = `${candidate.peerId} ${offerKeyOf(candidate.model)}`;
      this.#matched.set(key, { candidate: idle(candidate), saidMs: this.#nowMs(), linked: false });
      if (asked) this.#untold.add(candidate.peerId);
    }
    for (const oldest of this.#untold) {
      if (this.#untold.size <= MAX_UNTOLD) break;
      this.#untold.delete(oldest);
    }
  }

  /** Nobody is sent to these, whoever names them: the control plane's latest word on who cheats. */
  shun(peers: readonly PeerId[]): void {
    this.#shunned = new Set(peers);
  }

  /** Notes all that `source` knows, replacing what it said before. */
  told(source: PeerId, peers: readonly KnownPeer[]): void {
    const nowMs = this.#nowMs();
    const news = peers.slice(0, MAX_KNOWN_PEERS).map(({ ageSeconds, linked, ...candidate }) => ({
      candidate: unproven(candidate, candidate.peerId === source),
      saidMs: nowMs - ageSeconds * 1_000,
      linked,
    }));
    this.#told.set(source, news);
  }

  /** The known providers of this, each once, from hearsay only where there is nothing better. */
  find(asked: OfferRef): Candidate[] {
    const offer = offerKey(asked);
    const best = new Map<PeerId, News>();
    for (const news of [...this.#hearsay(), ...this.#firstHand()]) {
      const { peerId } = news.candidate;
      if (offerKeyOf(news.candidate.model) === offer && peerId !== this.#self) best.set(peerId, news);
    }
    return [...best.values()].map(({ candidate }) => candidate);
  }

  /** All known providers, whatever they offer. */
  providers(): Set<PeerId> {
    const all = new Set([...this.#hearsay(), ...this.#firstHand()].map(({ candidate }) => candidate.peerId));
    all.delete(this.#self);
    return all;
  }

  /** The peers that claim a link to this one. */
  linkedTo(peer: PeerId): Set<PeerId> {
    const sources = new Set<PeerId>();
    for (const [source, news] of this.#told) {
      if (news.some(({ candidate, linked }) => linked && candidate.peerId === peer)) sources.add(source);
    }
    return sources;
  }

  /** The news that may be told to `peer`: first-hand, the newest first. */
  toTell(peer: PeerId, isLinked: (peer: PeerId) => boolean): KnownPeer[] {
    const nowMs = this.#nowMs();
    const newest = new Map<string, News>();
    for (const news of this.#firstHand()) {
      const { peerId } = news.candidate;
      if (peerId !== peer && !this.#untold.has(peerId))
        newest.set(`${peerId} ${offerKeyOf(news.candidate.model)}`, news);
    }
    return [...newest.values()]
      .toReversed()
      .slice(0, MAX_KNOWN_PEERS)
      .map(({ candidate, saidMs }) => ({
        ...candidate,
        ageSeconds: Math.floor((nowMs - saidMs) / 1_000),
        linked: isLinked(candidate.peerId),
      }));
  }

  /** News from the control plane, or from the provider itself; the newest comes last. */
  #firstHand(): News[] {
    const own = [...this.#told].flatMap(([source, news]) =>
      news.filter(({ candidate }) => candidate.peerId === source),
    );
    return this.#fresh([...this.#matched.values(), ...own]);
  }

  #hearsay(): News[] {
    const all = [...this.#told].flatMap(([source, news]) =>
      news.filter(({ candidate }) => candidate.peerId !== source),
    );
    return this.#fresh(all);
  }

  #fresh(news: News[]): News[] {
    const sinceMs = this.#nowMs() - MAX_KNOWN_AGE_SECONDS * 1_000;
    return news
      .filter(({ saidMs, candidate }) => saidMs > sinceMs && !this.#shunned.has(candidate.peerId))
      .toSorted((a, b) => a.saidMs - b.saidMs);
  }
}

/** How busy it was then says nothing about now. */
function idle(candidate: Candidate): Candidate {
  const { peerId, agent, model, slots, reliability, certificate } = candidate;
  return { peerId, agent, model, slots, busySlots: 0, queued: 0, reliability, certificate };
}

function unproven(candidate: Candidate, itself: boolean): Candidate {
  return {
    ...idle(candidate),
    ...(!itself && { model: { ...candidate.model, tokensPerSecond: null } }),
    reliability: Math.min(candidate.reliability, TOLD_RELIABILITY),
  };
}
