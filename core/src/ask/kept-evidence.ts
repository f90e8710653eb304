/**
 * Answers with the paper about them: the last ones, for the minutes in which they may be drawn to be checked, where whoever asked
 * allows checks; and those that somebody found wrong, for the days in which their provider may appeal. Kept only in memory.
 */
import type { Clock } from '../base/clock.ts';
import type { PeerId } from '../base/ids.ts';

const MAX_ANSWERS = 64;
const MAX_BYTES = 8 * 1_048_576;
/** An answer is drawn within minutes, or never. */
const KEPT_MS = 15 * 60_000;
/** A conviction is appealed against within this time. */
const DOUBTED_MS = 7 * 86_400_000;

export interface KeptWork {
  /** The nonce of its lease in base32. */
  readonly leaseId: string;
  readonly provider: PeerId;
  /** `proof/evidence.ts`, packed. */
  readonly evidence: Uint8Array<ArrayBuffer>;
}

interface Kept<Work> {
  readonly work: Work;
  readonly untilMs: number;
  readonly isDoubted: boolean;
}

export class KeptEvidence<Work extends KeptWork> {
  readonly #clock: Clock;
  /** Oldest first. */
  readonly #kept = new Map<string, Kept<Work>>();
  #bytes = 0;
  #stopTimer: (() => void) | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  keep(work: Work): void {
    this.#put(work, KEPT_MS, false);
  }

  /** Somebody found it wrong. */
  keepDoubted(work: Work): void {
    this.#put(work, DOUBTED_MS, true);
  }

  find(leaseId: string): Work | null {
    return this.#kept.get(leaseId)?.work ?? null;
  }

  /** Forgets all of it. Idempotent. */
  close(): void {
    for (const leaseId of this.#kept.keys()) this.#forget(leaseId);
    this.#watch();
  }

  #put(work: Work, ms: number, isDoubted: boolean): void {
    this.#forget(work.leaseId);
    this.#kept.set(work.leaseId, { work, untilMs: this.#clock.now() + ms, isDoubted });
    this.#bytes += work.evidence.byteLength;
    while (this.#kept.size > MAX_ANSWERS || this.#bytes > MAX_BYTES) this.#makeRoom();
    this.#watch();
  }

  /** The oldest answer goes that nobody doubts; if all are doubted, the oldest. */
  #makeRoom(): void {
    const all = [...this.#kept.values()];
    const gone = all.find(({ isDoubted }) => !isDoubted) ?? all[0]!;
    this.#forget(gone.work.leaseId);
  }

  #forget(leaseId: string): void {
    const kept = this.#kept.get(leaseId);
    if (kept === undefined) return;
    this.#kept.delete(leaseId);
    this.#bytes -= kept.work.evidence.byteLength;
  }

  /** What somebody said is kept no longer than it is of use. */
  #watch(): void {
    this.#stopTimer?.();
    this.#stopTimer = null;
    if (this.#kept.size === 0) return;
    const nextMs = Math.min(...[...this.#kept.values()].map(({ untilMs }) => untilMs));
    this.#stopTimer = this.#clock.after(Math.max(0, nextMs - this.#clock.now()), () => {
      for (const [leaseId, { untilMs }] of this.#kept) if (untilMs <= this.#clock.now()) this.#forget(leaseId);
      this.#watch();
    });
  }
}
