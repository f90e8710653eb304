/**
 * The last answers with the paper about them, for the minutes in which they may be drawn to be checked. Kept only in memory,
 * and only where whoever asked allows checks.
 */
import type { Clock } from '../base/clock.ts';
import type { PeerId } from '../base/ids.ts';

const MAX_ANSWERS = 64;
const MAX_BYTES = 8 * 1_048_576;
/** An answer is drawn within minutes, or never. */
const KEPT_MS = 15 * 60_000;

export interface KeptWork {
  /** The nonce of its lease in base32. */
  readonly leaseId: string;
  readonly provider: PeerId;
  /** `proof/evidence.ts`, packed. */
  readonly evidence: Uint8Array<ArrayBuffer>;
}

export class KeptEvidence<Work extends KeptWork> {
  readonly #clock: Clock;
  /** Oldest first. */
  readonly #kept = new Map<string, { work: Work; sinceMs: number }>();
  #bytes = 0;
  #stopTimer: (() => void) | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  keep(work: Work): void {
    this.#forget(work.leaseId);
    this.#kept.set(work.leaseId, { work, sinceMs: this.#clock.now() });
    this.#bytes += work.evidence.byteLength;
    for (const leaseId of this.#kept.keys()) {
      if (this.#kept.size <= MAX_ANSWERS && this.#bytes <= MAX_BYTES) break;
      this.#forget(leaseId);
    }
    this.#watch();
  }

  find(leaseId: string): Work | null {
    return this.#kept.get(leaseId)?.work ?? null;
  }

  /** Forgets all of it. Idempotent. */
  close(): void {
    for (const leaseId of this.#kept.keys()) this.#forget(leaseId);
    this.#watch();
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
    const [oldest] = this.#kept.values();
    if (oldest === undefined) return;
    this.#stopTimer = this.#clock.after(Math.max(0, oldest.sinceMs + KEPT_MS - this.#clock.now()), () => {
      this.#forget(oldest.work.leaseId);
      this.#watch();
    });
  }
}
