/** A running digest of an answer: both ends keep one, and agree on every chunk so far when they agree on the last. */
import { sha256 } from '@noble/hashes/sha2.js';
import { canonical } from '../wire/canonical.ts';
import { MeshError } from '../base/errors.ts';
import type { PeerId, TaskId } from '../base/ids.ts';

export const DIGEST_BYTES = 32;
/** The requester acknowledges with the chunk that reaches or passes a multiple of this. */
export const ACKNOWLEDGE_EVERY_TOKENS = 32;

/** What a chain is of. It begins with all of it, so that no two tasks have a digest in common. */
export interface ChainStart {
  taskId: TaskId;
  requester: PeerId;
  provider: PeerId;
  leaseNonce: Uint8Array;
  /** The salt of the request: outsiders cannot try answers until one fits a digest. */
  salt: Uint8Array;
}

/** As it went over the wire. */
export interface ChainChunk {
  index: number;
  tokens: number;
  text: string;
  tokenIds?: readonly number[] | undefined;
  vector?: Uint8Array | undefined;
}

export class DigestChain {
  /** The tokens of all chunks so far. */
  tokens = 0;
  #digest: Uint8Array;

  constructor(start: ChainStart) {
    const { taskId, requester, provider, leaseNonce, salt } = start;
    this.#digest = sha256(canonical(['llmesh/1/answer', taskId, requester, provider, leaseNonce, salt]));
  }

  /** A copy: the chain goes on. */
  get digest(): Uint8Array {
    return new Uint8Array(this.#digest);
  }

  /**
   * SHA-256(digest so far | the chunk). True when an acknowledgement is due here. Throws bad_message when it is not
   * the next chunk; the chain then stays.
   */
  add(chunk: ChainChunk): boolean {
    const { index, tokens, text, tokenIds, vector } = chunk;
    if (index !== this.tokens || tokens < 1) {
      throw new MeshError('bad_message', 'The volunteer sent the pieces of the answer out of order.');
    }
    const bytes = canonical([index, tokens, text, tokenIds ?? null, ...(vector === undefined ? [] : [vector])]);
    this.#digest = sha256.create().update(this.#digest).update(bytes).digest();
    this.tokens += tokens;
    return Math.floor(index / ACKNOWLEDGE_EVERY_TOKENS) < Math.floor(this.tokens / ACKNOWLEDGE_EVERY_TOKENS);
  }
}
