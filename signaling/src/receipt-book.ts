/** Takes in what peers file: checks it, decides what stands, and writes what came together in one go. */
import type { Clock } from '@llmesh/core/clock';
import type { Filing } from '@llmesh/core/control-protocol';
import { asMeshError, MeshError } from '@llmesh/core/errors';
import type { PeerId } from '@llmesh/core/ids';
import { readFiling, replaces, type Delivered } from './delivered.ts';
import type { DeliveryTable } from './delivery-table.ts';

/** A disk takes about as long for one as for hundreds. */
const GATHER_MS = 5;
const MAX_WAITING = 4_096;

export interface ReceiptBookOptions {
  table: DeliveryTable;
  /** Whose leases count: ours. */
  issuer: PeerId;
  clock: Clock;
  /** Milliseconds since 1970. */
  now: () => number;
  /** The disk failed. For the log. */
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
  #waiting: Waiting[] = [];
  #stopTimer: (() => void) | null = null;

  constructor(options: ReceiptBookOptions) {
    this.#options = options;
  }

  /**
   * Resolves when this, or a fuller proof of the same, is on disk. `by`: who files it. Rejects with receipt_refused; with
   * busy when it can be tried again.
   */
  async file(filing: Filing, by: PeerId): Promise<void> {
    const delivered = readFiling(filing, this.#options.issuer);
    const { requester, provider } = delivered.lease;
    if (by !== requester && by !== provider) {
      throw new MeshError('receipt_refused', 'This receipt is not kept. It is about others than who files it.');
    }
    if (this.#waiting.length >= MAX_WAITING) throw later();
    await new Promise<void>((resolve, reject) => {
      this.#waiting.push({ delivered, resolve, reject });
      this.#stopTimer ??= this.#options.clock.after(GATHER_MS, () => this.#write());
    });
  }

  /** Writes what waits. Idempotent. */
  close(): void {
    this.#write();
    this.#options.table.close();
  }

  #write(): void {
    this.#stopTimer?.();
    this.#stopTimer = null;
    const waiting = this.#waiting;
    this.#waiting = [];
    if (waiting.length === 0) return;
    const { table, now, failed } = this.#options;
    const settle: (() => void)[] = [];
    try {
      table.transact(() => {
        for (const { delivered, resolve, reject } of waiting) {
          try {
            if (replaces(table.find(delivered.lease.nonce), delivered)) {
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
      failed(thrown);
      for (const { reject } of waiting) reject(asMeshError(thrown, 'busy', LATER));
      return;
    }
    for (const run of settle) run();
  }
}

const LATER = 'The mesh cannot keep receipts right now. It is tried again by itself.';

function later(): MeshError {
  return new MeshError('busy', LATER);
}
