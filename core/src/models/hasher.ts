/** SHA-256 as the host computes it best. Most of what a transfer costs a computer is hashing. */
import { sha256 } from '@noble/hashes/sha2.js';

export interface HashStream {
  /** Reads the bytes before it returns. */
  update(bytes: Uint8Array): void;
  /** 32 bytes. Called once, and last. */
  digest(): Uint8Array;
}

export interface Hasher {
  /** 32 bytes. Synchronous: a piece is hashed where it lies, in a worker or in Node. */
  sha256(bytes: Uint8Array): Uint8Array;
  stream(): HashStream;
}

/** For hosts that have nothing faster without waiting: browsers. */
export const scriptHasher: Hasher = {
  sha256,
  stream() {
    const hash = sha256.create();
    return {
      update: (bytes) => {
        hash.update(bytes);
      },
      digest: () => hash.digest(),
    };
  },
};
