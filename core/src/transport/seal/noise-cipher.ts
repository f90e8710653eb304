/** CipherState of the Noise Protocol Framework, revision 34 (§5.1), with ChaChaPoly (§12.3). */
import { chacha20poly1305 } from '@noble/ciphers/chacha.js';
import { MeshError } from '../../base/errors.ts';

export const KEY_BYTES = 32;
export const TAG_BYTES = 16;
export const EMPTY = new Uint8Array(0);
/** §5.1 allows 2^64-2; we stop where a double no longer counts one by one, which nobody reaches either. */
export const MAX_NONCE = Number.MAX_SAFE_INTEGER - 1;

export class CipherState {
  #key: Uint8Array | null = null;
  #n = 0;
  /** §12.3: four zero bytes, then n as 64 bits, little end first. Written afresh for each message, never kept. */
  #nonce = new Uint8Array(12);
  #nonceView = new DataView(this.#nonce.buffer);

  initializeKey(key: Uint8Array | null): void {
    this.#key = key;
    this.#n = 0;
  }

  hasKey(): boolean {
    return this.#key !== null;
  }

  /** The number of the next message. */
  get nonce(): number {
    return this.#n;
  }

  setNonce(nonce: number): void {
    this.#n = nonce;
  }

  /**
   * The ciphertext, `TAG_BYTES` longer than the plaintext; without a key the plaintext itself. `output`: has just that size,
   * is written and returned, and may begin with the plaintext. Throws when the key has been used up.
   */
  encryptWithAd(ad: Uint8Array, plaintext: Uint8Array, output?: Uint8Array): Uint8Array {
    if (this.#key === null) return copied(plaintext, output);
    const cipher = chacha20poly1305(this.#key, this.#nextNonce(), ad);
    const ciphertext = cipher.encrypt(plaintext, output);
    this.#n += 1;
    return ciphertext;
  }

  /**
   * The plaintext, `TAG_BYTES` shorter. Throws on anything that was not sealed with this key, number and `ad`; the
   * number then stays, and `output` holds nothing of the message.
   */
  decryptWithAd(ad: Uint8Array, ciphertext: Uint8Array, output?: Uint8Array): Uint8Array {
    if (this.#key === null) return copied(ciphertext, output);
    const cipher = chacha20poly1305(this.#key, this.#nextNonce(), ad);
    let plaintext: Uint8Array;
    try {
      plaintext = cipher.decrypt(ciphertext, output);
    } catch (cause) {
      throw new MeshError('seal_broken', 'What arrived was forged, or altered on its way.', { cause });
    }
    this.#n += 1;
    return plaintext;
  }

  /** §4.2 and §11.3: another key that tells nothing about this one. The numbering continues. */
  rekey(): void {
    if (this.#key === null) return;
    this.#nonceView.setUint32(4, 0xffff_ffff, true);
    this.#nonceView.setUint32(8, 0xffff_ffff, true);
    const next = chacha20poly1305(this.#key, this.#nonce, EMPTY).encrypt(new Uint8Array(KEY_BYTES));
    this.#key.fill(0);
    this.#key = next.slice(0, KEY_BYTES);
  }

  /** Forgets the key. */
  wipe(): void {
    this.#key?.fill(0);
    this.#key = null;
  }

  #nextNonce(): Uint8Array {
    if (this.#n > MAX_NONCE) {
      throw new MeshError('seal_broken', 'This connection has sent all that one seal allows. Connect again.');
    }
    this.#nonceView.setUint32(4, this.#n % 0x1_0000_0000, true);
    this.#nonceView.setUint32(8, Math.floor(this.#n / 0x1_0000_0000), true);
    return this.#nonce;
  }
}

function copied(bytes: Uint8Array, output: Uint8Array | undefined): Uint8Array {
  if (output === undefined) return bytes;
  output.set(bytes);
  return output;
}
