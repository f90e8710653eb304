/**
 * Takes in what peers file: checks it, the cheap before the dear, decides what stands, and writes what came together in one
 * go.
 */
import type { Clock } from '@llmesh/core/base/clock';
import type { Filing } from '@llmesh/core/wire/control-protocol';
import { asMeshError, MeshError } from '@llmesh/core/base/errors';
import type { PeerId } from '@llmesh/core/base/ids';
import { checksOf, readFiling, refused, replaces, keptOf, type Delivered } from './delivered.ts';
import type { DeliveryTable } from './delivery-table.ts';
import { FilingShares } from './filing-shares.ts';
import { impossibility } from './receipt-limits.ts';
import { SignatureQueue } from './signature-queue.ts';

/** A disk takes about as long for one as for hundreds, and while it takes them the server does nothing else. */
const GATHER_MS = 20;
const MAX_WAITING = 4_096;
/** Old rows are taken together so often, some hundred at a time. */
const SWEEP_MS = 10_000;
/** A disk that stays full is told of so often. */
const TELL_AGAIN_MS = 600_000;

export interface ReceiptBookOptions {
  table: DeliveryTable;
  /** Whose leases count: ours. */
  issuer: PeerId;
  clock: Clock;
  /** Milliseconds since 1970. */
  now: () => number;
  /** The disk failed: once for the same reason, and again after a while. For the log. */
  failed: (error: unknown) => void;
}

interface Waiting {
  delivered: Delivered;
  resolve: () => void;
  reject: (error: MeshError) => void;
}

export class ReceiptBook {
  /** This is on disk, and of its lease nothing was, or less. */
  onKept: ((delivered: Delivered) => void) | null = null;
  readonly #options: ReceiptBookOptions;
  readonly #shares: FilingShares;
  readonly #signatures: SignatureQueue;
  #waiting: Waiting[] = [];
  #stopTimer: (() => void) | null = null;
  #stopSweep: () => void;
  #told = { reason: '', atMs: -Infinity };

  constructor(options: ReceiptBookOptions) {
    this.#options = options;
    this.#shares = new FilingShares(options.clock);
    this.#signatures = new SignatureQueue(options.clock);
    this.#stopSweep = options.clock.after(SWEEP_MS, () => this.#sweep());
  }

  /**
   * Resolves when this, or a fuller proof of the same, is on disk. `by`: who files it, and from which network. Rejects with
   * receipt_refused; with busy or rate_limited when it can be tried again.
   */
  async file(filing: Filing, by: PeerId, network: string): Promise<void> {
    const { issuer, now } = this.#options;
    if (!this.#shares.mayRead(network)) throw tooMany();
    const delivered = readFiling(filing, issuer, by);
    const impossible = impossibility(delivered, now());
    if (impossible !== null) throw refused(impossible);
    // Known already: then it makes no difference whether this one is signed.
    if (!this.#isNews(delivered)) return;
    if (this.#waiting.length >= MAX_WAITING) throw later();
    if (!this.#shares.mayKeep(network)) throw tooMany();
    const checks = checksOf(delivered);
    const areRight = checks.map(({ isRight }) => isRight);
    await new Promise<void>((resolve, reject) => {
      this.#signatures.check(network, areRight, (wrong) => {
        const fault = checks[wrong];
        if (fault !== undefined) return reject(fault.else);
        this.#waiting.push({ delivered, resolve, reject });
        this.#stopTimer ??= this.#options.clock.after(GATHER_MS, () => this.#write());
      });
    });
  }

  /** Writes what waits. Idempotent. */
  close(): void {
    this.#stopSweep();
    this.#signatures.flush();
    this.#write();
    this.#options.table.close();
  }

  /** Throws receipt_refused for what cannot be true beside what is kept, or is from before. */
  #isNews(delivered: Delivered): boolean {
    const { table } = this.#options;
    const { nonce, provider, expiresAt } = delivered.lease;
    try {
      if (!replaces(table.find(nonce), keptOf(delivered))) return false;
      if (!table.isSummed(provider, expiresAt)) return true;
    } catch (thrown) {
      if (thrown instanceof MeshError) throw thrown;
      this.#tell(thrown);
      throw later();
    }
    throw refused('It comes too late: only sums are kept for that time.');
  }

  #write(): void {
    this.#stopTimer?.();
    this.#stopTimer = null;
    const waiting = this.#waiting;
    this.#waiting = [];
    if (waiting.length === 0) return;
    const { table, now } = this.#options;
    const settle: (() => void)[] = [];
    try {
      table.transact(() => {
        for (const { delivered, resolve, reject } of waiting) {
          try {
            if (replaces(table.find(delivered.lease.nonce), keptOf(delivered))) {
              table.put(delivered, now());
              settle.push(() => this.onKept?.(delivered));
            }
            settle.push(resolve);
          } catch (thrown) {
            if (!(thrown instanceof MeshError)) throw thrown;
            settle.push(() => reject(thrown));
          }
        }
      });
    } catch (thrown) {
      this.#tell(thrown);
      for (const { reject } of waiting) reject(asMeshError(thrown, 'busy', LATER));
      return;
    }
    for (const run of settle) run();
  }

  #sweep(): void {
    const { clock, table, now } = this.#options;
    try {
      table.sweep(now());
    } catch (thrown) {
      this.#tell(thrown);
    }
    this.#stopSweep = clock.after(SWEEP_MS, () => this.#sweep());
  }

  #tell(error: unknown): void {
    const atMs = this.#options.clock.now();
    const reason = String(error);
    if (reason === this.#told.reason && atMs - this.#told.atMs < TELL_AGAIN_MS) return;
    this.#told = { reason, atMs };
    this.#options.failed(error);
  }
}

const LATER = 'The mesh cannot keep receipts right now. LLMesh will try again.';

function later(): MeshError {
  return new MeshError('busy', LATER);
}

function tooMany(): MeshError {
  return new MeshError('rate_limited', 'Too many receipts at once from your network. LLMesh will file them again.');
}
