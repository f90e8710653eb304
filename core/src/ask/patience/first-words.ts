/** How long each provider takes to its first words, and when it is late: judged by its own history, not another's. */
import { BoundedMap } from '../../base/bounded-map.ts';
import type { ModelAdvert } from '../../wire/model-advert.ts';
import type { PeerId } from '../../base/ids.ts';

/** Nobody hedges against a provider that is merely unknown, unless it is slow for anyone. */
const UNKNOWN_LATE_MS = 4_000;
const LEAST_LATE_MS = 400;
const MAX_PEERS = 1_024;
/** Loading times are the provider's mere claim: nobody waits an hour for one. */
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

  /** The provider is late after this long without a word: mean and four deviations, as RFC 6298 says. */
  lateAfterMs(peer: PeerId): number {
    const history = this.#peers.get(peer);
    if (history === undefined) return UNKNOWN_LATE_MS;
    return Math.max(LEAST_LATE_MS, history.meanMs + 4 * history.deviationMs);
  }
}

/** The extra time for the first words of this model while it is loaded. */
export function loadingMs({ wakesInMs = 0 }: ModelAdvert): number {
  return Math.min(wakesInMs, MOST_LOADING_MS);
}

/** Between two pieces, as the provider measured it; 0: it does not know. */
export function pauseMs({ tokensPerSecond }: ModelAdvert): number {
  return tokensPerSecond === null ? 0 : 1000 / tokensPerSecond;
}
