/** One direction of a sealed link: fragments in, wire messages out, or the other way; fresh keys every so often. */
import { MeshError } from '../../base/errors.ts';
import { EMPTY, TAG_BYTES, type CipherState } from './noise-cipher.ts';
import { MAX_FRAGMENT_BYTES, MAX_SEALED_BYTES, SEAL_BYTES } from '../../protocol.ts';
import { SEALED, WIRE_HEADER_BYTES, wireKind, wireMessage } from './seal-wire.ts';

/** Both ends count the same messages, so they change keys (Noise §11.3) at the same place without a word. */
export interface RekeyLimits {
  messages: number;
  /** How many bytes of ciphertext, tags included. */
  bytes: number;
}

export const REKEY: RekeyLimits = { messages: 2 ** 20, bytes: 2 ** 30 };

/**
 * Messages are sealed here before they are copied behind their header. The cipher works in words of four bytes and is
 * several times slower where these are not aligned, as they never are behind two bytes.
 */
const scratch = new Uint8Array(MAX_FRAGMENT_BYTES + TAG_BYTES);

export class SealedStream {
  #cipher: CipherState;
  #limits: RekeyLimits;
  #messages = 0;
  #bytes = 0;

  constructor(cipher: CipherState, limits: RekeyLimits = REKEY) {
    this.#cipher = cipher;
    this.#limits = limits;
  }

  /** Throws message_too_large past `MAX_FRAGMENT_BYTES`. */
  seal(fragment: Uint8Array): Uint8Array<ArrayBuffer> {
    if (fragment.byteLength > MAX_FRAGMENT_BYTES) {
      throw new MeshError('message_too_large', 'A fragment is larger than the protocol allows.');
    }
    const room = scratch.subarray(0, fragment.byteLength + TAG_BYTES);
    const sealed = this.#cipher.encryptWithAd(EMPTY, fragment, room);
    this.#count(sealed.byteLength);
    return wireMessage(SEALED, sealed);
  }

  /** Throws version_mismatch or seal_broken; then nothing that follows on this stream can be read either. */
  open(message: Uint8Array): Uint8Array {
    if (wireKind(message) !== SEALED) throw foreign();
    if (message.byteLength < SEAL_BYTES || message.byteLength > MAX_SEALED_BYTES) throw foreign();
    const sealed = message.subarray(WIRE_HEADER_BYTES);
    const fragment = this.#cipher.decryptWithAd(EMPTY, sealed);
    this.#count(sealed.byteLength);
    return fragment;
  }

  #count(byteCount: number): void {
    this.#messages += 1;
    this.#bytes += byteCount;
    if (this.#messages < this.#limits.messages && this.#bytes < this.#limits.bytes) return;
    this.#messages = 0;
    this.#bytes = 0;
    this.#cipher.rekey();
  }
}

function foreign(): MeshError {
  return new MeshError('seal_broken', 'Something arrived that the other computer did not seal.');
}
