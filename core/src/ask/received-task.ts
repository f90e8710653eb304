/**
 * The requester's record of one task at one provider. Holds it to the rules (pieces in order, none missing, no more
 * than was asked for), signs for what came as it comes, and signs the receipt when it is true.
 */
import { sha256 } from '@noble/hashes/sha2.js';
import { fromBase32, toBase32 } from '../base/base32.ts';
import type { Clock } from '../base/clock.ts';
import { DigestChain, type ChainChunk, type ChainStart } from '../receipts/digest-chain.ts';
import { MeshError } from '../base/errors.ts';
import type { Identity, verify } from '../identity/identity.ts';
import type { ModelId, PeerId, TaskId, TaskName } from '../base/ids.ts';
import { LEASE_NONCE_BYTES, leaseOf, readLeases, type Lease } from '../receipts/lease.ts';
import type { KeptProof } from '../receipts/receipt-keeper.ts';
import { countersign, signAcknowledgement } from '../receipts/receipt.ts';
import type { Leased } from '../wire/candidate.ts';
import { sameBytes } from '../wire/canonical.ts';

/** A fast model writes hundreds of tokens meanwhile; each signature costs both ends a millisecond. */
const PAUSE_MS = 100;

export interface ReceivedTaskOptions {
  taskId: TaskId;
  provider: PeerId;
  /** Null: the control plane could not be asked, and nothing is signed. */
  lease: HeldLease | null;
  commitment: Uint8Array;
  maxUnits: number;
  /** The most input units that an honest provider counts. */
  maxInputUnits: number;
  identity: Identity;
  /** Left out: verifies in JavaScript. */
  verify?: typeof verify;
  clock: Clock;
  /** Sends it to the provider. */
  acknowledge: (acknowledgement: Uint8Array<ArrayBuffer>) => void;
  /** This computer's key cannot sign. */
  failed: (thrown: unknown) => void;
}

/** A lease, and its signed bytes. */
export interface HeldLease {
  lease: Lease;
  /** The seed that it shares with those of the same shortlist, in base32. */
  hold: string;
  bytes: Uint8Array<ArrayBuffer>;
}

interface Mark {
  units: number;
  digest: Uint8Array;
}

export class ReceivedTask {
  readonly #options: ReceivedTaskOptions;
  readonly #start: ChainStart;
  readonly #chain: DigestChain;
  #accepted = false;
  /** The provider's half of the seed. */
  #half: Uint8Array | null = null;
  /** The newest that is due and not yet signed. */
  #due: Mark | null = null;
  #signedUnits = 0;
  #signing = false;
  #pausedUntilMs = -Infinity;
  #stopPause: (() => void) | null = null;
  #ended = false;

  constructor(options: ReceivedTaskOptions) {
    const { taskId, provider, lease, commitment, identity } = options;
    this.#options = options;
    const leaseNonce = lease?.lease.nonce ?? new Uint8Array(LEASE_NONCE_BYTES);
    this.#start = { taskId, requester: identity.peerId, provider, leaseNonce, commitment };
    this.#chain = new DigestChain(this.#start);
  }

  get units(): number {
    return this.#chain.units;
  }

  /** Throws bad_message. Signs in the background, when it is time. */
  add(chunk: ChainChunk): void {
    // Checked before it counts as received: what is signed for must be within the lease.
    if (this.#chain.units + chunk.units > this.#options.maxUnits) {
      throw new MeshError('bad_message', 'The volunteer sent more than was asked for.');
    }
    if (!this.#chain.add(chunk) || this.#options.lease === null) return;
    this.#due = this.#mark();
    // A hidden tab's timers are late: what comes after the pause does not wait for them.
    if (!this.#signing && this.#options.clock.now() >= this.#pausedUntilMs) this.#sign();
  }

  /** The provider took the task, and told its half of the seed, if it has one. Throws bad_message when it tells another. */
  accepted(half: Uint8Array | null): void {
    if (this.#accepted && !sameHalf(this.#half, half)) {
      throw new MeshError('bad_message', 'The volunteer changed its half of the seed.');
    }
    this.#accepted = true;
    this.#half = half;
  }

  /**
   * The work is done, with this packed result. Returns our half of the receipt and the proof that both now have;
   * rejects with receipt_refused when the provider's half does not match what came, and then nothing was signed.
   */
  async countersign(
    providerHalf: Uint8Array,
    result: Uint8Array,
  ): Promise<{ half: Uint8Array<ArrayBuffer>; proof: KeptProof }> {
    const { identity, lease, maxInputUnits, verify } = this.#options;
    if (lease === null) {
      throw new MeshError('receipt_refused', 'There is no receipt for work that ran without a lease.');
    }
    const { task, model, price, priceVersion, nonce } = lease.lease;
    const what = { task, model, price, priceVersion, result: sha256(result), half: this.#half, maxInputUnits };
    const seen = { ...this.#start, ...this.#mark(), ...what };
    const half = await countersign(providerHalf, seen, identity, verify);
    this.#end();
    const proof: KeptProof = {
      leaseId: toBase32(nonce),
      filing: {
        lease: toBase32(lease.bytes),
        proof: { kind: 'receipt', provider: toBase32(providerHalf), requester: toBase32(half) },
      },
    };
    return { half, proof };
  }

  /** No receipt will come: signs for all that came, at once, so that an honest provider has it. Idempotent. */
  breakOff(): void {
    if (this.#ended) return;
    this.#end();
    const { acknowledge, failed, lease } = this.#options;
    if (lease === null || this.#chain.units === this.#signedUnits) return;
    this.#acknowledgement(this.#mark()).then(acknowledge, failed);
  }

  #sign(): void {
    const due = this.#due;
    if (due === null) return;
    this.#due = null;
    this.#signing = true;
    this.#stopPause?.();
    const { clock, acknowledge, failed } = this.#options;
    this.#acknowledgement(due).then((acknowledgement) => {
      this.#signing = false;
      // Then a fuller proof is on its way.
      if (this.#ended) return;
      this.#signedUnits = due.units;
      acknowledge(acknowledgement);
      this.#pausedUntilMs = clock.now() + PAUSE_MS;
      this.#stopPause = clock.after(PAUSE_MS, () => this.#sign());
    }, failed);
  }

  #acknowledgement(mark: Mark): Promise<Uint8Array<ArrayBuffer>> {
    return signAcknowledgement({ ...this.#start, ...mark }, this.#options.identity);
  }

  #mark(): Mark {
    return { units: this.#chain.units, digest: this.#chain.digest };
  }

  #end(): void {
    this.#ended = true;
    this.#due = null;
    this.#stopPause?.();
  }
}

/**
 * The candidate's lease; null: it came without. Throws lease_refused when it is for something else, and price_changed when
 * it costs more than `maxPrice`. The provider checks
 * its signature (`checkLease`), as the control plane does before it keeps a receipt. For us a false one would only
 * predict the provider's refusal: not worth a millisecond before every question.
 */
export function heldLease(
  { peerId: provider, lease: encoded }: Pick<Leased, 'peerId' | 'lease'>,
  requester: PeerId,
  { task, model, maxPrice = Infinity }: { task: TaskName; model: ModelId; maxPrice?: number | undefined },
): HeldLease | null {
  if (encoded === null) return null;
  const bytes = fromBase32(encoded);
  const leases = bytes === null ? null : readLeases(bytes, unchecked);
  const lease = leases === null ? null : leaseOf(leases, provider);
  const isOurs = lease?.requester === requester && lease.task === task && lease.model === model;
  if (bytes === null || lease === null || !isOurs) {
    throw new MeshError('lease_refused', 'The lease for that volunteer is invalid. Try again.');
  }
  if (lease.price > maxPrice) {
    throw new MeshError('price_changed', 'This would cost more than was shown, so it was not asked. Try again.');
  }
  return { lease, hold: toBase32(leases!.seed), bytes };
}

function sameHalf(a: Uint8Array | null, b: Uint8Array | null): boolean {
  return a === null || b === null ? a === b : sameBytes(a, b);
}

function unchecked(): boolean {
  return true;
}
