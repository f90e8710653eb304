/**
 * Takes in what peers file: checks it, cheap checks first, decides what counts, and writes everything that came
 * together in one go.
 */
import type { Clock } from '@llmesh/core/base/clock';
import type { Filing } from '@llmesh/core/wire/control-protocol';
import { asMeshError, MeshError } from '@llmesh/core/base/errors';
import type { PeerId } from '@llmesh/core/base/ids';
import { checksOf, readFiling, refused, type Delivered } from './delivered.ts';
import type { DeliveryStore } from './delivery-store.ts';
import { FilingShares, type From } from './filing-shares.ts';
import { impossibility } from './receipt-limits.ts';
import type { IssuedLeases } from './issued-leases.ts';
import { SignatureQueue, type Checker } from './signature-queue.ts';
import { isSigned } from './signature-threads.ts';
import { widerNetworkOf } from '../sockets/address.ts';

/** A store takes about as long for one as for dozens, and this one may block the server meanwhile. */
const GATHER_MS = 20;
/** While more comes than can be checked, larger batches leave more of the computer to the checks: as many, or as long. */
const LARGE_BATCH = 512;
const MAX_GATHER_MS = 400;
const MAX_WAITING = 4_096;
/** As many are written in one go: some ten milliseconds. */
const MAX_BATCH = 1_024;
/** While one batch is on its way to the disk, a large one waits behind it, and shares the next transaction with the ledger. */
const MAX_WRITING = 2;
/** How often old rows are added up, some hundred at a time. */
const SWEEP_MS = 10_000;
/** How often a disk that stays full is reported. */
const TELL_AGAIN_MS = 600_000;

export interface ReceiptBookOptions {
  store: DeliveryStore;
  /** The issuer whose leases count: our own id. */
  issuer: PeerId;
  /** Those of its leases that are known by their bytes; left out: none. */
  issued?: IssuedLeases;
  /** Where signatures are checked, closed with the book; left out: here, in turn with everything else. */
  threads?: Checker;
  clock: Clock;
  /** Milliseconds since 1970. */
  now: () => number;
  /** The disk failed: reported once for the same reason, and again after a while. For the log. */
  failed: (error: unknown) => void;
}

interface Waiting {
  delivered: Delivered;
  resolve: () => void;
  reject: (error: MeshError) => void;
}

export class ReceiptBook {
  /** This is on disk, and for its lease there was nothing before, or less. */
  onKept: ((delivered: Delivered) => void) | null = null;
  /** Something was written that the ledger may have to post. */
  onWritten: (() => void) | null = null;
  readonly #options: ReceiptBookOptions;
  readonly #shares: FilingShares;
  readonly #signatures: SignatureQueue;
  #waiting: Waiting[] = [];
  #stopTimer: (() => void) | null = null;
  /** The batches that are being written, one after the other. */
  readonly #writing = new Set<Promise<void>>();
  /** Filings on their way to the signature queue: the store is being asked what it knows about them. */
  readonly #asking = new Set<Promise<unknown>>();
  #closing: Promise<void> | null = null;
  #stopSweep: () => void;
  #sweeping: Promise<void> | null = null;
  #told = { reason: '', atMs: -Infinity };

  constructor(options: ReceiptBookOptions) {
    this.#options = options;
    this.#shares = new FilingShares(options.clock);
    this.#signatures = new SignatureQueue(options.clock, options.threads ?? isSigned);
    this.#stopSweep = options.clock.after(SWEEP_MS, () => this.#sweep());
  }

  /**
   * Resolves when this, or a fuller proof of the same, is on disk. `by`: the peer that files it, from which network.
   * Rejects with receipt_refused; with busy or rate_limited when a retry makes sense.
   */
  file(filing: Filing, by: PeerId, network: string): Promise<void> {
    try {
      if (this.#closing !== null) throw later();
      const from = { network, wider: widerNetworkOf(network) };
      if (!this.#shares.mayRead(from)) throw tooMany();
      const delivered = readFiling(filing, this.#options, by);
      const impossible = impossibility(delivered, this.#options.now());
      if (impossible !== null) throw refused(impossible);
      // Thousands wait at once, and most leases are new: these wait for one promise, and no store is asked about each.
      return isSurelyNew(delivered) ? this.#check(delivered, from) : this.#ask(delivered, from);
    } catch (thrown) {
      return Promise.reject(thrown);
    }
  }

  /** Of what is known already, it makes no difference whether it is signed. */
  async #ask(delivered: Delivered, from: From): Promise<void> {
    const asking = this.#isNews(delivered).then((isNews) => (isNews ? { kept: this.#check(delivered, from) } : null));
    this.#asking.add(asking);
    const queued = await asking.finally(() => this.#asking.delete(asking));
    await queued?.kept;
  }

  /** Resolves when it is on disk. Throws when too much waits. */
  #check(delivered: Delivered, from: From): Promise<void> {
    if (this.#waiting.length >= MAX_WAITING) throw later();
    if (!this.#shares.mayKeep(from)) throw tooMany();
    const checks = checksOf(delivered);
    return new Promise<void>((resolve, reject) => {
      this.#signatures.check(from.wider, checks, (wrong) => {
        const fault = checks[wrong];
        if (fault !== undefined) return reject(refused(fault.why));
        this.#waiting.push({ delivered, resolve, reject });
        this.#gather();
      });
    });
  }

  /** Writes what waits, and closes the store. Idempotent. */
  close(): Promise<void> {
    return (this.#closing ??= this.#finish());
  }

  async #finish(): Promise<void> {
    this.#stopSweep();
    await Promise.allSettled(this.#asking);
    await this.#signatures.close();
    await Promise.all([...this.#writing, this.#sweeping]);
    this.#stopTimer?.();
    while (this.#waiting.length > 0) await this.#write();
    await this.#options.store.close();
  }

  /** Rejects with receipt_refused for what contradicts a kept proof, or is too old. */
  async #isNews(delivered: Delivered): Promise<boolean> {
    const outcome = await this.#options.store.judge(delivered).catch((thrown: unknown) => {
      this.#tell(thrown);
      throw later();
    });
    if (outcome instanceof MeshError) throw outcome;
    return outcome === 'kept';
  }

  #gather(): void {
    if (this.#stopTimer !== null) return;
    if (this.#writing.size === 0) this.#gatherFrom(this.#options.clock.now());
    else if (this.#waiting.length >= LARGE_BATCH && this.#writing.size < MAX_WRITING) this.#begin();
  }

  #gatherFrom(beganMs: number): void {
    const { clock } = this.#options;
    const ms = this.#waiting.length < LARGE_BATCH ? GATHER_MS : 0;
    this.#stopTimer = clock.after(ms, () => {
      this.#stopTimer = null;
      const mayWait = this.#signatures.size > 0 && this.#waiting.length < LARGE_BATCH;
      if (mayWait && clock.now() - beganMs < MAX_GATHER_MS) return this.#gatherFrom(beganMs);
      this.#begin();
    });
  }

  #begin(): void {
    const writing = this.#write().finally(() => {
      this.#writing.delete(writing);
      if (this.#waiting.length > 0) this.#gather();
    });
    this.#writing.add(writing);
  }

  /** Never rejects. */
  async #write(): Promise<void> {
    const waiting = this.#waiting.splice(0, MAX_BATCH);
    if (waiting.length === 0) return;
    const { store, now } = this.#options;
    try {
      const outcomes = await store.file(
        waiting.map(({ delivered }) => delivered),
        now(),
      );
      waiting.forEach(({ delivered, resolve, reject }, i) => {
        const outcome = outcomes[i] ?? later();
        if (outcome instanceof MeshError) return reject(outcome);
        noteFiled(delivered);
        if (outcome === 'kept') this.onKept?.(delivered);
        resolve();
      });
      if (outcomes.includes('kept')) this.onWritten?.();
    } catch (thrown) {
      this.#tell(thrown);
      for (const { reject } of waiting) reject(asMeshError(thrown, 'busy', LATER));
    }
  }

  #sweep(): void {
    const { clock, store, now } = this.#options;
    this.#sweeping = store
      .sweep(now())
      .catch((thrown: unknown) => this.#tell(thrown))
      .finally(() => {
        if (this.#closing === null) this.#stopSweep = clock.after(SWEEP_MS, () => this.#sweep());
      });
  }

  #tell(error: unknown): void {
    const atMs = this.#options.clock.now();
    const reason = String(error);
    if (reason === this.#told.reason && atMs - this.#told.atMs < TELL_AGAIN_MS) return;
    this.#told = { reason, atMs };
    this.#options.failed(error);
  }
}

/** No store knows of it, which in any case decides once more when it is written. */
function isSurelyNew({ issued, lease: { provider } }: Delivered): boolean {
  return issued?.filed.includes(provider) === false;
}

function noteFiled({ issued, lease: { provider } }: Delivered): void {
  if (issued?.filed.includes(provider) === false) issued.filed.push(provider);
}

const LATER = 'The mesh cannot keep receipts right now. LLMesh will try again.';

function later(): MeshError {
  return new MeshError('busy', LATER);
}

function tooMany(): MeshError {
  return new MeshError('rate_limited', 'Too many receipts at once from your network. LLMesh will file them again.');
}
