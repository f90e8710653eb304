/**
 * How reliable a provider is: receipts that both ends signed speak for it, as far as they come from different
 * requesters (`voices.ts`); vanishing in the middle of work speaks against it. Recorded by its key, so that it outlives
 * the connection; old events fade. Nothing that a stranger says alone counts, so nobody can talk a provider down. Those
 * whose answers were found wrong by audits keep only a part of it.
 */
import { BoundedMap } from '@llmesh/core/base/bounded-map';
import type { Clock } from '@llmesh/core/base/clock';
import type { PeerId } from '@llmesh/core/base/ids';
import type { OfferKey } from '@llmesh/core/policy/offer-key';
import { GONE_MS } from '../registry/registry.ts';
import { Voices, type Voice } from './voices.ts';

/** Peers that are remembered; those without news for longest are forgotten first. */
export const MAX_REMEMBERED = 50_000;
const MAX_SPEEDS = 16;
/** Events count half after this long. */
const HALF_LIFE_MS = 6 * 3_600_000;
/** Nobody begins at zero or at one: a newcomer counts as if it had finished nine answers of ten. */
const PRIOR = { good: 9, all: 10 };
/** The most losses that count. */
const MOST_LOST = 200;
/**
 * The word of a requester that always asks the same provider soon counts no more. From then on its answers make up for
 * losses instead, which fade over about the last fifty.
 */
const FORGIVEN = 0.02;
/** A provider with hundreds of slots that is lost once is one event, and not hundreds. */
const MOST_LOST_AT_ONCE = 8;
/** Shorter answers say nothing about speed. */
const MIN_UNITS = 32;
const MIN_MEASUREMENTS = 3;
/** An advert this many times too fast yields to the measurements: prompts and company explain the rest. */
const BOAST = 2;

interface Seen {
  voices: Voices;
  bad: number;
  atMs: number;
  /** Tasks that it had when its connection was lost, until it is back and either shows them or does not. */
  missing: { tasks: number; sinceMs: number } | null;
  speeds: Map<OfferKey, { tokensPerSecond: number; measurements: number }> | null;
}

export class Reliability {
  readonly #clock: Clock;
  readonly #trust: (peer: PeerId) => number;
  readonly #seen = new BoundedMap<PeerId, Seen>(MAX_REMEMBERED);

  /** `trust`: how much of its reliability audits leave to a provider, 0 to 1. */
  constructor(clock: Clock, trust: (peer: PeerId) => number = () => 1) {
    this.#clock = clock;
    this.#trust = trust;
  }

  get size(): number {
    return this.#seen.size;
  }

  /** The share of answers that it finishes, and that are what they should be, 0 to 1. */
  of(peer: PeerId): number {
    return this.#finishes(peer) * this.#trust(peer);
  }

  #finishes(peer: PeerId): number {
    const seen = this.#seen.get(peer);
    if (seen === undefined) return PRIOR.good / PRIOR.all;
    const kept = this.#fading(seen);
    const good = seen.voices.sum;
    return (good * kept + PRIOR.good) / ((good + seen.bad) * kept + PRIOR.all);
  }

  /** How much speaks for this provider, in recent receipts of others; 0: nothing. */
  record(peer: PeerId): number {
    const seen = this.#seen.get(peer);
    return seen === undefined ? 0 : Math.round(seen.voices.sum * this.#fading(seen));
  }

  /** Do receipts say how fast it is with this model? */
  isMeasured(peer: PeerId, offer: OfferKey): boolean {
    return (this.#seen.get(peer)?.speeds?.get(offer)?.measurements ?? 0) >= MIN_MEASUREMENTS;
  }

  /**
   * The speed to rank by: its advert, unless its receipts say far less. Their times are the provider's own word, which
   * the requester signs: they reveal a speed that was measured on an idle machine, and nobody can slow another down
   * with them.
   */
  speed(peer: PeerId, offer: OfferKey, advertised: number | null): number | null {
    const measured = this.#seen.get(peer)?.speeds?.get(offer);
    if (measured === undefined || measured.measurements < MIN_MEASUREMENTS || advertised === null) return advertised;
    return advertised > BOAST * measured.tokensPerSecond ? measured.tokensPerSecond : advertised;
  }

  /** A receipt, signed by both ends and new. `from`: the requester. */
  finished(peer: PeerId, { offer, units, ms }: { offer: OfferKey; units: number; ms: number }, from: Voice): void {
    if (units === 0) return;
    const seen = this.#touch(peer);
    if (!seen.voices.hear(from)) seen.bad *= 1 - FORGIVEN;
    if (units < MIN_UNITS || ms <= 0) return;
    const speeds = (seen.speeds ??= new Map());
    const { tokensPerSecond, measurements } = speeds.get(offer) ?? { tokensPerSecond: 0, measurements: 0 };
    // The mean of the first five, from then on an average that forgets.
    const weight = 1 / Math.min(measurements + 1, 5);
    const mean = tokensPerSecond + weight * ((units * 1000) / ms - tokensPerSecond);
    speeds.delete(offer);
    speeds.set(offer, { tokensPerSecond: mean, measurements: measurements + 1 });
    const [oldest] = speeds.keys();
    if (speeds.size > MAX_SPEEDS && oldest !== undefined) speeds.delete(oldest);
  }

  /** Silent for too long with this many tasks: those that waited for them have gone elsewhere. */
  failed(peer: PeerId, tasks: number): void {
    if (tasks === 0) return;
    const seen = this.#touch(peer);
    seen.bad = Math.min(seen.bad + Math.min(tasks, MOST_LOST_AT_ONCE), MOST_LOST);
  }

  /** Gone without a goodbye, with this many tasks. Perhaps only this connection was lost: they may continue. */
  vanished(peer: PeerId, tasks: number): void {
    if (tasks > 0) this.#touch(peer).missing = { tasks, sinceMs: this.#clock.now() };
  }

  /** Here again, as its first heartbeat says. */
  returned(peer: PeerId, busySlots: number): void {
    const seen = this.#seen.get(peer);
    if (seen === undefined || seen.missing === null) return;
    const { tasks, sinceMs } = seen.missing;
    seen.missing = null;
    // After so long nobody waits for them any more.
    const kept = this.#clock.now() - sinceMs < GONE_MS ? busySlots : 0;
    this.failed(peer, Math.max(0, tasks - kept));
  }

  #touch(peer: PeerId): Seen {
    const now = this.#clock.now();
    const seen = this.#seen.get(peer) ?? { voices: new Voices(), bad: 0, atMs: now, missing: null, speeds: null };
    const kept = this.#fading(seen);
    seen.voices.fade(kept);
    seen.bad *= kept;
    seen.atMs = now;
    this.#seen.set(peer, seen);
    return seen;
  }

  #fading({ atMs }: Seen): number {
    return 0.5 ** ((this.#clock.now() - atMs) / HALF_LIFE_MS);
  }
}
