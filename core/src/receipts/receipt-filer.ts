/**
 * Takes proofs of what was delivered to the keeper and then to the control plane, in the background: one at a time,
 * with retries until the control plane has them.
 */
import { BoundedMap } from '../base/bounded-map.ts';
import { backoffMs } from '../base/backoff.ts';
import type { Clock } from '../base/clock.ts';
import type { Filing } from '../wire/control-protocol.ts';
import { asMeshError, type ErrorCode, type MeshError } from '../base/errors.ts';
import { pace } from '../base/pace.ts';
import { MAX_KEPT, type KeptProof, type ReceiptKeeper } from './receipt-keeper.ts';

/** After an outage there may be a thousand: other messages must get through as well. */
const PAUSE_MS = 100;
/** A retry would change nothing. */
const FINAL: ReadonlySet<ErrorCode> = new Set<ErrorCode>(['receipt_refused', 'bad_message']);

export interface ReceiptFilerOptions {
  keeper: ReceiptKeeper;
  /** `ControlClient.file`. */
  file: (filing: Filing, signal: AbortSignal) => Promise<void>;
  clock: Clock;
  random: () => number;
  /** A proof could not be kept, or the control plane refuses it. For the log: nobody waits for it. */
  failed: (error: MeshError) => void;
  /** The waiting proofs have changed; `taken`: the control plane has this one now. Left out: nobody counts. */
  changed?: (taken: KeptProof | null, waiting: Iterable<KeptProof>) => void;
}

export class ReceiptFiler {
  readonly #options: ReceiptFilerOptions;
  readonly #closing = new AbortController();
  /** Oldest first. */
  readonly #queue = new BoundedMap<string, KeptProof>(MAX_KEPT);
  #busy = false;
  #filing: Promise<void> = Promise.resolve();
  /** Writes happen in their order, so that a lesser proof never replaces a fuller one. */
  #written: Promise<void> = Promise.resolve();

  constructor(options: ReceiptFilerOptions) {
    this.#options = options;
  }

  /** Files what an earlier run of this program could not. */
  start(): void {
    this.#write(async () => {
      const kept = await this.#options.keeper.list();
      for (const { leaseId, filing, settled } of kept) {
        // A proof that came meanwhile is newer.
        if (!settled && !this.#queue.has(leaseId)) this.#queue.set(leaseId, { leaseId, filing });
      }
      this.#tell(null);
      this.#file();
    });
  }

  /** The task continues, and a better proof may come: this one is kept in case none does. */
  hold(proof: KeptProof): void {
    this.#write(() => this.#options.keeper.keep(proof));
  }

  /** No better proof will come. */
  file(proof: KeptProof): void {
    this.hold(proof);
    this.#queue.set(proof.leaseId, proof);
    this.#tell(null);
    this.#file();
  }

  /** What is not filed yet stays kept. Resolves when everything is written. Idempotent. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#filing;
    await this.#written;
    await this.#options.keeper.close();
  }

  #write(run: () => Promise<void>): void {
    this.#written = this.#written.then(run).catch((thrown: unknown) => {
      this.#options.failed(
        asMeshError(thrown, 'storage_full', 'A receipt could not be kept on this computer. Is there room on the disk?'),
      );
    });
  }

  #file(): void {
    if (this.#busy) return;
    this.#busy = true;
    this.#filing = this.#fileAll();
  }

  /** Never rejects. */
  async #fileAll(): Promise<void> {
    const { keeper, file, clock, random, failed } = this.#options;
    const { signal } = this.#closing;
    let attempt = 0;
    for (let next = this.#next(); next !== null && !signal.aborted; next = this.#next()) {
      const proof = next;
      let pauseMs = PAUSE_MS;
      try {
        await file(proof.filing, signal);
        attempt = 0;
        this.#done(proof, proof);
        this.#write(() => keeper.settle(proof));
      } catch (thrown) {
        if (signal.aborted) break;
        const error = asMeshError(
          thrown,
          'control_unreachable',
          'A receipt could not be filed. It will be tried again.',
        );
        if (FINAL.has(error.code)) {
          this.#done(proof, null);
          this.#write(() => keeper.settle(proof));
          failed(error);
        } else pauseMs = backoffMs(attempt++, random);
      }
      if (this.#queue.size > 0) await pace(clock.now() + pauseMs, clock, signal);
    }
    this.#busy = false;
  }

  #next(): KeptProof | null {
    const [next] = this.#queue.values();
    return next ?? null;
  }

  /** Unless a fuller one came meanwhile. */
  #done(proof: KeptProof, taken: KeptProof | null): void {
    if (this.#queue.get(proof.leaseId) === proof) this.#queue.delete(proof.leaseId);
    this.#tell(taken);
  }

  #tell(taken: KeptProof | null): void {
    this.#options.changed?.(taken, this.#queue.values());
  }
}
