/** How fast a download goes, and how long it still takes: over the last five seconds, so that it can be believed. */
import type { LoadProgress } from '@llmesh/core/engine/engine';

const WINDOW_MS = 5_000;
const MIN_MS = 500;

export interface Pace {
  loadedBytes: number;
  totalBytes: number | null;
  /** null while nothing can be said. */
  bytesPerSecond: number | null;
  secondsLeft: number | null;
  /** See `LoadProgress`. */
  from?: NonNullable<LoadProgress['from']>;
}

export class DownloadPace {
  #samples: { atMs: number; bytes: number }[] = [];

  take({ loadedBytes, totalBytes, from }: LoadProgress, nowMs: number): Pace {
    this.#samples.push({ atMs: nowMs, bytes: loadedBytes });
    while (this.#samples.length > 2 && nowMs - (this.#samples[0]?.atMs ?? nowMs) > WINDOW_MS) this.#samples.shift();
    const first = this.#samples[0] ?? { atMs: nowMs, bytes: loadedBytes };
    const elapsedMs = nowMs - first.atMs;
    const rate = elapsedMs < MIN_MS ? null : ((loadedBytes - first.bytes) * 1000) / elapsedMs;
    const bytesPerSecond = rate !== null && rate > 0 ? rate : null;
    return {
      loadedBytes,
      totalBytes,
      bytesPerSecond,
      secondsLeft: bytesPerSecond === null || totalBytes === null ? null : (totalBytes - loadedBytes) / bytesPerSecond,
      ...(from && { from }),
    };
  }
}
