/**
 * The requester's record of one answer. Holds the provider to its word (pieces in order, none missing, no more than was
 * asked for), signs for what came while it comes, and signs the receipt when it is true.
 */
import { fromBase32, toBase32 } from '../base/base32.ts';
import type { Clock } from '../base/clock.ts';
import { DigestChain, type ChainChunk, type ChainStart } from '../receipts/digest-chain.ts';
import { MeshError } from '../base/errors.ts';
import type { Identity, verify } from '../identity/identity.ts';
import type { ModelId, TaskId } from '../base/ids.ts';
import { LEASE_NONCE_BYTES, leaseOf, readLeases, type Lease } from '../receipts/lease.ts';
import { MAX_TOKEN_CHARACTERS, SALT_BYTES, type Turn } from '../protocol.ts';
import { randomBytes } from '../base/random-bytes.ts';
import type { KeptProof } from '../receipts/receipt-keeper.ts';
import { countersign, signAcknowledgement } from '../receipts/receipt.ts';
import type { Leased } from '../wire/candidate.ts';
import { promptBytes } from '../wire/turns.ts';

/** A fast model writes hundreds of tokens meanwhile; each signature costs both ends a millisecond. */
const PAUSE_MS = 100;
/** What templates and models add to a prompt, at most: a preface of their own, and marks around each turn. */
const PREFACE_TOKENS = 1_024;
const TOKENS_PER_TURN = 64;

export interface ReceivedAnswerOptions {
  taskId: TaskId;
  /** Who is asked, with the leave for it. */
  candidate: Leased;
  request: { model: ModelId; turns: readonly Turn[]; maxTokens: number };
  /** Text that the provider reads besides: what others wrote of the answer. */
  prefix?: string;
  identity: Identity;
  /** Left out: in JavaScript. */
  verify?: typeof verify;
  clock: Clock;
  /** To the provider. */
  acknowledge: (acknowledgement: Uint8Array<ArrayBuffer>) => void;
  /** The key of this computer does not sign. */
  failed: (thrown: unknown) => void;
}

interface Mark {
  tokens: number;
  digest: Uint8Array;
}

export class ReceivedAnswer {
  /** The leave, for the provider; null: the control plane could not be asked, and nothing is signed. */
  readonly leaseBytes: Uint8Array<ArrayBuffer> | null = null;
  readonly salt = randomBytes(SALT_BYTES);
  readonly #options: ReceivedAnswerOptions;
  readonly #lease: Lease | null = null;
  readonly #start: ChainStart;
  readonly #chain: DigestChain;
  #textBytes: number | null = null;
  /** The newest that is due and not signed. */
  #due: Mark | null = null;
  #signedTokens = 0;
  #signing = false;
  #pausedUntilMs = -Infinity;
  #stopPause: (() => void) | null = null;
  #ended = false;

  /** Throws lease_refused when the leave is for something else. */
  constructor(options: ReceivedAnswerOptions) {
    const { taskId, candidate, request, identity } = options;
    const { peerId: provider } = candidate;
    this.#options = options;
    if (candidate.lease !== null) {
      this.leaseBytes = fromBase32(candidate.lease);
      const leases = this.leaseBytes === null ? null : readLeases(this.leaseBytes, unchecked);
      this.#lease = leases === null ? null : leaseOf(leases, provider);
      if (this.#lease?.requester !== identity.peerId || this.#lease.model !== request.model) throw badLeave();
    }
    const leaseNonce = this.#lease?.nonce ?? new Uint8Array(LEASE_NONCE_BYTES);
    this.#start = { taskId, requester: identity.peerId, provider, leaseNonce, salt: this.salt };
    this.#chain = new DigestChain(this.#start);
  }

  get tokens(): number {
    return this.#chain.tokens;
  }

  /** No model makes more tokens of a text than it has bytes. */
  get maxPromptTokens(): number {
    const { request, prefix = '' } = this.#options;
    this.#textBytes ??= promptBytes([...request.turns, { role: 'assistant', content: prefix }]);
    return this.#textBytes + PREFACE_TOKENS + TOKENS_PER_TURN * (request.turns.length + 1);
  }

  /** Throws bad_message. Signs in the background, when it is time. */
  add(chunk: ChainChunk & { promptTokens?: number | undefined }): void {
    // Before it counts as received: what is signed for must be within the lease.
    const tooMany = this.#chain.tokens + chunk.tokens > this.#options.request.maxTokens;
    const tooLong = chunk.text.length > chunk.tokens * MAX_TOKEN_CHARACTERS;
    if (tooMany || tooLong || (chunk.promptTokens ?? 0) > this.maxPromptTokens) {
      throw new MeshError('bad_message', 'The volunteer sent more than was asked for.');
    }
    if (!this.#chain.add(chunk) || this.#lease === null) return;
    this.#due = this.#mark();
    // A hidden tab's timers are late: what comes after the pause does not wait for them.
    if (!this.#signing && this.#options.clock.now() >= this.#pausedUntilMs) this.#sign();
  }

  /**
   * The answer is whole. Our half of the receipt, and what both now have; rejects with receipt_refused when the
   * provider's half is not what came, and then nothing was signed.
   */
  async countersign(providerHalf: Uint8Array): Promise<{ half: Uint8Array<ArrayBuffer>; proof: KeptProof }> {
    const { identity, request, verify } = this.#options;
    const { leaseBytes } = this;
    if (leaseBytes === null || this.#lease === null) {
      throw new MeshError('receipt_refused', 'There is no receipt for work that ran without a lease.');
    }
    const seen = { ...this.#start, ...this.#mark(), model: request.model, maxPromptTokens: this.maxPromptTokens };
    const half = await countersign(providerHalf, seen, identity, verify);
    this.#end();
    const proof: KeptProof = {
      leaseId: toBase32(this.#lease.nonce),
      filing: {
        lease: toBase32(leaseBytes),
        proof: { kind: 'receipt', provider: toBase32(providerHalf), requester: toBase32(half) },
      },
    };
    return { half, proof };
  }

  /** No receipt will come: signs for all that came, at once, so that an honest provider has it. Idempotent. */
  breakOff(): void {
    if (this.#ended) return;
    this.#end();
    if (this.#lease === null || this.#chain.tokens === this.#signedTokens) return;
    const { acknowledge, failed } = this.#options;
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
      // Then something fuller is on its way.
      if (this.#ended) return;
      this.#signedTokens = due.tokens;
      acknowledge(acknowledgement);
      this.#pausedUntilMs = clock.now() + PAUSE_MS;
      this.#stopPause = clock.after(PAUSE_MS, () => this.#sign());
    }, failed);
  }

  #acknowledgement(mark: Mark): Promise<Uint8Array<ArrayBuffer>> {
    return signAcknowledgement({ ...this.#start, ...mark }, this.#options.identity);
  }

  #mark(): Mark {
    return { tokens: this.#chain.tokens, digest: this.#chain.digest };
  }

  #end(): void {
    this.#ended = true;
    this.#due = null;
    this.#stopPause?.();
  }
}

function badLeave(): MeshError {
  return new MeshError('lease_refused', 'The lease for that volunteer is invalid. Try again.');
}

/**
 * The leave is for the provider, who checks it and whose it is (`checkLease`), as the control plane does before it keeps
 * a receipt. To us a false signature would only say what the provider is about to: a millisecond before every question.
 */
function unchecked(): boolean {
  return true;
}
