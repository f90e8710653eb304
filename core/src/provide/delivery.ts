/** The provider's record of one answer: what went out, and the last acknowledgement that the requester signed. */
import { sameBytes } from '../wire/canonical.ts';
import { onAbort } from '../base/abort.ts';
import type { Clock } from '../base/clock.ts';
import { ACKNOWLEDGE_EVERY_UNITS, DigestChain, type ChainChunk, type ChainStart } from '../receipts/digest-chain.ts';
import { MeshError } from '../base/errors.ts';
import { verify } from '../identity/identity.ts';
import { readAcknowledgement } from '../receipts/receipt.ts';

/** A fast model over a slow link never waits; a requester that signs for nothing gets this much, and no more. */
export const MAX_UNACKNOWLEDGED_UNITS = 1_024;
/** How long a provider that has reached this limit waits for an acknowledgement. */
const SILENCE_MS = 30_000;

export class Delivery {
  /** Handed in when nothing better comes: signed by the requester. Null before the first. */
  acknowledgement: Uint8Array | null = null;
  acknowledgedUnits = 0;
  readonly start: ChainStart;
  readonly chain: DigestChain;
  readonly #check: typeof verify;
  /** The digests that may still be acknowledged, by their units. */
  #open = new Map<number, Uint8Array>();
  #taken = 0;
  #wake: (() => void) | null = null;

  constructor(start: ChainStart, check = verify) {
    this.start = start;
    this.#check = check;
    this.chain = new DigestChain(start);
  }

  /** The units that the requester has not signed for: a provider stops when this grows. */
  get unacknowledgedUnits(): number {
    return this.chain.units - this.acknowledgedUnits;
  }

  /** A chunk goes out. The requester may break off after any of them, so each can be acknowledged. */
  add(chunk: ChainChunk): void {
    this.chain.add(chunk);
    this.#open.set(this.chain.units, this.chain.digest);
  }

  /** Keeps it, when it matches what went out and covers more than the last one. Throws receipt_refused. */
  acknowledge(bytes: Uint8Array): void {
    // Each costs a verification: an honest requester sends one when it is due, and a final one.
    if (this.#taken > this.chain.units / ACKNOWLEDGE_EVERY_UNITS) throw unacceptable();
    const read = readAcknowledgement(bytes, this.#check);
    const digest = read === null ? undefined : this.#open.get(read.units);
    const { taskId, requester, provider, leaseNonce, commitment } = this.start;
    if (
      read === null ||
      digest === undefined ||
      read.taskId !== taskId ||
      read.requester !== requester ||
      read.provider !== provider ||
      !sameBytes(read.leaseNonce, leaseNonce) ||
      !sameBytes(read.commitment, commitment) ||
      !sameBytes(read.digest, digest)
    ) {
      throw unacceptable();
    }
    this.#taken += 1;
    this.acknowledgement = new Uint8Array(bytes);
    this.acknowledgedUnits = read.units;
    for (const units of this.#open.keys()) {
      if (units > read.units) break;
      this.#open.delete(units);
    }
    this.#wake?.();
  }

  /** Too much of the answer has not been signed for. */
  get full(): boolean {
    return this.unacknowledgedUnits > MAX_UNACKNOWLEDGED_UNITS;
  }

  /** Waits until the requester has signed for enough, or `signal` aborts. Rejects with receipt_refused on silence. */
  async untilAcknowledged(clock: Clock, signal: AbortSignal): Promise<void> {
    while (this.full && !signal.aborted) {
      await new Promise<void>((resolve, reject) => {
        const end = (settle: () => void) => {
          stopTimer();
          stopAbort();
          this.#wake = null;
          settle();
        };
        const silent = new MeshError('receipt_refused', 'The other computer never said what it received. Ask again.');
        const stopTimer = clock.after(SILENCE_MS, () => end(() => reject(silent)));
        const stopAbort = onAbort(signal, () => end(resolve));
        this.#wake = () => end(resolve);
      });
    }
  }
}

function unacceptable(): MeshError {
  return new MeshError('receipt_refused', 'The other computer did not acknowledge what it was sent. Ask again.');
}
