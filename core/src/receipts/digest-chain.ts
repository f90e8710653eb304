/** A running digest of an answer: both ends keep one, and agree on every chunk so far when they agree on the last. */
import { sha256 } from '@noble/hashes/sha2.js';
import { canonical } from '../wire/canonical.ts';
import { MeshError } from '../base/errors.ts';
import type { PeerId, TaskId } from '../base/ids.ts';
import type { TaskChunk } from '../protocol.ts';

export const DIGEST_BYTES = 32;
/** The requester acknowledges with the chunk that reaches or passes a multiple of this. */
export const ACKNOWLEDGE_EVERY_UNITS = 32;

/** What a chain covers. It begins with all of this, so that no two tasks share a digest. */
export interface ChainStart {
  taskId: TaskId;
  requester: PeerId;
  provider: PeerId;
  leaseNonce: Uint8Array;
  /** What was asked, with the salt of the request: outsiders cannot try answers until one matches a digest. */
  commitment: Uint8Array;
}

/** A chunk as it went over the wire. */
export type ChainChunk = Pick<TaskChunk, 'index' | 'units' | 'piece'>;

export class DigestChain {
  /** The units of all chunks so far. */
  units = 0;
  #digest: Uint8Array;

  constructor(start: ChainStart) {
    const { taskId, requester, provider, leaseNonce, commitment } = start;
    this.#digest = sha256(canonical(['llmesh/4/answer', taskId, requester, provider, leaseNonce, commitment]));
  }

  /** A copy, because the chain continues. */
  get digest(): Uint8Array {
    return new Uint8Array(this.#digest);
  }

  /**
   * SHA-256(digest so far | index and units | the packed piece). True when an acknowledgement is due here. Throws
   * bad_message when it is not the next chunk; the chain then stays as it was.
   */
  add({ index, units, piece }: ChainChunk): boolean {
    if (index !== this.units || units < 1) {
      throw new MeshError('bad_message', 'The volunteer sent the pieces of the answer out of order.');
    }
    this.#digest = sha256
      .create()
      .update(this.#digest)
      .update(canonical([index, units]))
      .update(piece)
      .digest();
    this.units += units;
    return Math.floor(index / ACKNOWLEDGE_EVERY_UNITS) < Math.floor(this.units / ACKNOWLEDGE_EVERY_UNITS);
  }
}
