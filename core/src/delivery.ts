/** The provider's record of one answer: what went out, and the last that the requester signed for. */
import { DigestChain, type ChainChunk, type ChainStart } from './digest-chain.ts';
import { MeshError } from './errors.ts';
import { readAcknowledgement } from './receipt.ts';

export class Delivery {
  /** What to hand in when nothing better comes: signed by the requester. Null before the first. */
  acknowledgement: Uint8Array | null = null;
  acknowledgedTokens = 0;
  readonly chain: DigestChain;
  #start: ChainStart;
  /** The digests that may still be acknowledged, by their tokens. */
  #due = new Map<number, Uint8Array>();

  constructor(start: ChainStart) {
    this.#start = start;
    this.chain = new DigestChain(start);
  }

  /** What the requester has not signed for: a provider may stop when this grows. */
  get unacknowledgedTokens(): number {
    return this.chain.tokens - this.acknowledgedTokens;
  }

  /** A chunk goes out. `last`: acknowledged as well, whatever its tokens. */
  add(chunk: ChainChunk, last = false): void {
    if (this.chain.add(chunk) || last) this.#due.set(this.chain.tokens, this.chain.digest);
  }

  /** Keeps it, when it is for what went out and for more than the one before. Throws bad_message. */
  acknowledge(bytes: Uint8Array): void {
    const read = readAcknowledgement(bytes);
    const digest = read === null ? undefined : this.#due.get(read.tokens);
    const { taskId, requester, provider, leaseNonce } = this.#start;
    if (
      read === null ||
      digest === undefined ||
      read.taskId !== taskId ||
      read.requester !== requester ||
      read.provider !== provider ||
      !same(read.leaseNonce, leaseNonce) ||
      !same(read.digest, digest)
    ) {
      throw new MeshError('bad_message', 'The other computer did not acknowledge what it was sent.');
    }
    this.acknowledgement = new Uint8Array(bytes);
    this.acknowledgedTokens = read.tokens;
    for (const tokens of this.#due.keys()) if (tokens <= read.tokens) this.#due.delete(tokens);
  }
}

function same(a: Uint8Array, b: Uint8Array): boolean {
  return a.byteLength === b.byteLength && a.every((byte, i) => byte === b[i]);
}
