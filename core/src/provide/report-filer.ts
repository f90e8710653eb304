/** Takes what this computer found as an auditor to the control plane: one report at a time, again until it is there. */
import { backoffMs } from '../base/backoff.ts';
import type { Clock } from '../base/clock.ts';
import { asMeshError, type ErrorCode, type MeshError } from '../base/errors.ts';
import { pace } from '../base/pace.ts';

/** Older ones are dropped: the control plane asks somebody else. */
const MAX_WAITING = 64;
/** A retry would change nothing. */
const FINAL: ReadonlySet<ErrorCode> = new Set<ErrorCode>(['receipt_refused', 'bad_message', 'unsupported']);

export interface ReportFilerOptions {
  /** `ControlClient.fileReport`. */
  file: (report: Uint8Array, signal: AbortSignal) => Promise<void>;
  clock: Clock;
  random: () => number;
  /** The control plane refuses a report. For the log: nobody waits for it. */
  failed: (error: MeshError) => void;
}

export class ReportFiler {
  readonly #options: ReportFilerOptions;
  readonly #closing = new AbortController();
  /** Oldest first. */
  readonly #waiting: Uint8Array[] = [];
  #filing: Promise<void> | null = null;

  constructor(options: ReportFilerOptions) {
    this.#options = options;
  }

  file(report: Uint8Array): void {
    this.#waiting.push(report);
    if (this.#waiting.length > MAX_WAITING) this.#waiting.shift();
    this.#filing ??= this.#fileAll().finally(() => (this.#filing = null));
  }

  /** What is not filed yet is lost. Idempotent. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#filing;
  }

  /** Never rejects. */
  async #fileAll(): Promise<void> {
    const { file, clock, random, failed } = this.#options;
    const { signal } = this.#closing;
    let attempt = 0;
    for (let next = this.#waiting.shift(); next !== undefined && !signal.aborted; next = this.#waiting.shift()) {
      try {
        await file(next, signal);
        attempt = 0;
      } catch (thrown) {
        if (signal.aborted) return;
        const error = asMeshError(
          thrown,
          'control_unreachable',
          'A report could not be filed. It will be tried again.',
        );
        if (FINAL.has(error.code)) failed(error);
        else {
          this.#waiting.unshift(next);
          await pace(clock.now() + backoffMs(attempt++, random), clock, signal);
        }
      }
    }
  }
}
