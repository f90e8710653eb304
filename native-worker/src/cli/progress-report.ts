/** Shows the progress of a model: a bar where a person watches, a line now and then in a log, objects for a program. */
import type { Clock } from '@llmesh/core/base/clock';
import type { LoadProgress } from '@llmesh/core/engine/engine';
import { megabytes, progressLine, type Output } from './output.ts';

/** Nobody reads faster than this. */
const LIVE_MS = 200;
const JSON_MS = 1_000;
const NOTE_MS = 30_000;
const WINDOW_MS = 10_000;
const SAMPLE_MS = 500;

export class ProgressReport {
  readonly #output: Output;
  readonly #clock: Clock;
  #phase: LoadProgress['phase'] | null = null;
  /** Samples of the last seconds, oldest first. */
  #samples: { atMs: number; bytes: number }[] = [];
  #shownMs = -Infinity;
  #notedMs = -Infinity;
  #toldHere = false;

  constructor(output: Output, clock: Clock) {
    this.#output = output;
    this.#clock = clock;
  }

  show(progress: LoadProgress): void {
    const nowMs = this.#clock.now();
    if (progress.phase !== this.#phase) {
      this.#phase = progress.phase;
      this.#samples = [];
      this.#notedMs = nowMs;
      this.#shownMs = -Infinity;
    }
    this.#sample(progress.loadedBytes, nowMs);
    const last = progress.loadedBytes === progress.totalBytes;
    if (!last && nowMs - this.#shownMs < (this.#output.json ? JSON_MS : LIVE_MS)) return;
    this.#shownMs = nowMs;
    if (last) this.#tellHere(progress);
    const bytesPerSecond = this.#speed(progress.loadedBytes, nowMs);
    if (this.#output.json) {
      if (progress.phase === 'download') this.#output.print('', { download: summary(progress, bytesPerSecond) });
      return;
    }
    const line = `${progressLine(progress)}${progress.phase === 'download' ? pace(progress, bytesPerSecond) : ''}`;
    this.#output.live(line);
    if (this.#output.watched || nowMs - this.#notedMs < NOTE_MS) return;
    this.#notedMs = nowMs;
    this.#output.note(line);
  }

  /** What did not have to travel, since other models of this computer had it. */
  #tellHere({ from, totalBytes }: LoadProgress): void {
    if (from === undefined || from.hereBytes === 0 || totalBytes === null || this.#toldHere || this.#output.json)
      return;
    this.#toldHere = true;
    this.#output.note(`${megabytes(from.hereBytes)} of ${megabytes(totalBytes)} were here already, in other models.`);
  }

  #sample(bytes: number, atMs: number): void {
    const latest = this.#samples.at(-1);
    if (latest === undefined || atMs - latest.atMs >= SAMPLE_MS) this.#samples.push({ atMs, bytes });
    while (this.#samples.length > 1 && (this.#samples[0]?.atMs ?? atMs) < atMs - WINDOW_MS) this.#samples.shift();
  }

  /** null: nothing to tell yet. What was on the disk before does not count. */
  #speed(bytes: number, nowMs: number): number | null {
    const [first] = this.#samples;
    if (first === undefined || nowMs - first.atMs < SAMPLE_MS) return null;
    return Math.max(0, ((bytes - first.bytes) * 1000) / (nowMs - first.atMs));
  }
}

function summary({ loadedBytes, totalBytes, from }: LoadProgress, bytesPerSecond: number | null): object {
  return {
    loadedBytes,
    totalBytes,
    ...(from !== undefined && { hereBytes: from.hereBytes }),
    bytesPerSecond: bytesPerSecond === null ? null : Math.round(bytesPerSecond),
    secondsLeft: secondsLeft(loadedBytes, totalBytes, bytesPerSecond),
  };
}

function pace({ loadedBytes, totalBytes }: LoadProgress, bytesPerSecond: number | null): string {
  if (bytesPerSecond === null) return '';
  const seconds = secondsLeft(loadedBytes, totalBytes, bytesPerSecond);
  const left = seconds === null ? '' : `, ${duration(seconds)} left`;
  return `, ${megabytes(bytesPerSecond)} a second${left}`;
}

function secondsLeft(loaded: number, total: number | null, bytesPerSecond: number | null): number | null {
  if (total === null || bytesPerSecond === null || bytesPerSecond === 0) return null;
  return Math.ceil(Math.max(0, total - loaded) / bytesPerSecond);
}

/** "40 s", "12 min", "3 h 20 min" */
export function duration(seconds: number): string {
  if (seconds < 90) return `${seconds} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 90 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
