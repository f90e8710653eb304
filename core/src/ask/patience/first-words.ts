/** How long each provider takes to its first words, and when that is late: against its own history, not another's. */
import { BoundedMap } from '../../base/bounded-map.ts';
import type { ModelAdvert } from '../../wire/model-advert.ts';
import type { PeerId } from '../../base/ids.ts';

/** Nobody hedges against a provider that is merely unknown, unless it is slow for anyone. */
const UNKNOWN_LATE_MS = 4_000;
const LEAST_LATE_MS = 400;
const MAX_PEERS = 1_024;
/** Its provider's word alone says how long loading takes: nobody is waited for an hour. */
const MOST_LOADING_MS = 30_000;

interface History {
  meanMs: number;
  deviationMs: number;
}

export class FirstWords {
  /** The least recently heard first. */
  readonly #peers = new BoundedMap<PeerId, History>(MAX_PEERS);

  /** The estimator of TCP's retransmission timer (RFC 6298 §2): running mean and mean deviation. */
  heard(peer: PeerId, ms: number): void {
    const before = this.#peers.get(peer);
    if (before === undefined) this.#peers.set(peer, { meanMs: ms, deviationMs: ms / 2 });
    else {
      this.#peers.set(peer, {
        deviationMs: (3 * before.deviationMs + Math.abs(before.meanMs - ms)) / 4,
        meanMs: (7 * before.meanMs + ms) / 8,
      });
    }
  }

  /** After so long without a word it is late: mean and four deviations, as RFC 6298 says. */
  lateAfterMs(peer: PeerId): number {
    const history = this.#peers.get(peer);
    if (history === undefined) return UNKNOWN_LATE_MS;
    return Math.max(LEAST_LATE_MS, history.meanMs + 4 * history.deviationMs);
  }
}

/** How much longer the first words of this model are waited for, because it has to be loaded for them. */
export function loadingMs({ wakesInMs = 0 }: ModelAdvert): number {
  return Math.min(wakesInMs, MOST_LOADING_MS);
}
