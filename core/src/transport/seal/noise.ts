/**
 * The Noise Protocol Framework, revision 34 (noiseprotocol.org), as far as the mesh needs it: the patterns XX and NK
 * with 25519, ChaChaPoly and SHA256. Names and numbers of sections are those of the specification.
 */
import { x25519 } from '@noble/curves/ed25519.js';
import { hkdf } from '@noble/hashes/hkdf.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { concatBytes } from '@noble/hashes/utils.js';
import { MeshError } from '../../base/errors.ts';
import { CipherState, EMPTY, KEY_BYTES, TAG_BYTES } from './noise-cipher.ts';
import type { RandomBytes } from '../../base/random-bytes.ts';

/** §3: no Noise message is longer. */
const MAX_NOISE_BYTES = 65_535;

export interface KeyPair {
  readonly secretKey: Uint8Array;
  readonly publicKey: Uint8Array;
}

type Token = 'e' | 's' | 'ee' | 'es' | 'se';

export interface HandshakePattern {
  readonly name: 'XX' | 'NK';
  /** §7.1: the responder's static key, known to the initiator beforehand. */
  readonly preMessage: readonly 's'[];
  /** The messages: the initiator sends the first, then they take turns. */
  readonly messages: readonly (readonly Token[])[];
}

/** §7.5: both send their static keys, sealed. */
export const XX: HandshakePattern = {
  name: 'XX',
  preMessage: [],
  messages: [['e'], ['e', 'ee', 's', 'es'], ['s', 'se']],
};
/** §7.5: the initiator knows the responder's static key and has none. */
export const NK: HandshakePattern = {
  name: 'NK',
  preMessage: ['s'],
  messages: [
    ['e', 'es'],
    ['e', 'ee'],
  ],
};

/** GENERATE_KEYPAIR (§4.1). */
export function generateKeyPair(random: RandomBytes): KeyPair {
  return keyPairOf(random(KEY_BYTES));
}

export function keyPairOf(secretKey: Uint8Array): KeyPair {
  return { secretKey, publicKey: x25519.getPublicKey(secretKey) };
}

/** §5.2. */
export class SymmetricState {
  #cipher = new CipherState();
  #ck: Uint8Array;
  #h: Uint8Array;

  /** InitializeSymmetric. */
  constructor(protocolName: string) {
    const name = new TextEncoder().encode(protocolName);
    this.#h = name.length <= 32 ? concatBytes(name, new Uint8Array(32 - name.length)) : sha256(name);
    this.#ck = this.#h;
  }

  mixKey(inputKeyMaterial: Uint8Array): void {
    const output = hkdf2(this.#ck, inputKeyMaterial);
    this.#ck = output[0];
    this.#cipher.initializeKey(output[1]);
  }

  mixHash(data: Uint8Array): void {
    this.#h = sha256.create().update(this.#h).update(data).digest();
  }

  getHandshakeHash(): Uint8Array {
    return this.#h;
  }

  hasKey(): boolean {
    return this.#cipher.hasKey();
  }

  encryptAndHash(plaintext: Uint8Array): Uint8Array {
    const ciphertext = this.#cipher.encryptWithAd(this.#h, plaintext);
    this.mixHash(ciphertext);
    return ciphertext;
  }

  decryptAndHash(ciphertext: Uint8Array): Uint8Array {
    const plaintext = this.#cipher.decryptWithAd(this.#h, ciphertext);
    this.mixHash(ciphertext);
    return plaintext;
  }

  /** Two ciphers: for what the initiator sends, and for what the responder sends. */
  split(): [CipherState, CipherState] {
    const [k1, k2] = hkdf2(this.#ck, EMPTY);
    const c1 = new CipherState();
    c1.initializeKey(k1);
    const c2 = new CipherState();
    c2.initializeKey(k2);
    this.#ck.fill(0);
    this.#cipher.wipe();
    return [c1, c2];
  }
}

export interface HandshakeOptions {
  pattern: HandshakePattern;
  initiator: boolean;
  /** Both must have the same prologue, or no handshake succeeds. */
  prologue: Uint8Array;
  /** Our static key pair; null where the pattern needs none. */
  s: KeyPair | null;
  /** The other end's static key, where the pattern wants it known. */
  rs: Uint8Array | null;
  random: RandomBytes;
}

/** The result of a finished handshake. */
export interface Split {
  send: CipherState;
  receive: CipherState;
  /** The handshake hash: the same at both ends, and of no other handshake (§11.2). */
  handshakeHash: Uint8Array;
}

/** §5.3. One failure ends it: every later call throws. */
export class HandshakeState {
  #pattern: HandshakePattern;
  #initiator: boolean;
  #random: RandomBytes;
  #symmetric: SymmetricState;
  #s: KeyPair | null;
  #e: KeyPair | null = null;
  #rs: Uint8Array | null;
  #re: Uint8Array | null = null;
  #step = 0;
  #dead = false;

  /** Initialize. */
  constructor(options: HandshakeOptions) {
    const { pattern, initiator, prologue, s, rs, random } = options;
    this.#pattern = pattern;
    this.#initiator = initiator;
    this.#random = random;
    this.#s = s;
    this.#rs = rs;
    this.#symmetric = new SymmetricState(`Noise_${pattern.name}_25519_ChaChaPoly_SHA256`);
    this.#symmetric.mixHash(prologue);
    for (const token of pattern.preMessage) {
      token satisfies 's';
      this.#symmetric.mixHash(initiator ? key(rs) : key(s).publicKey);
    }
  }

  /** Whether it is our turn to write the next message. */
  get ourTurn(): boolean {
    return !this.done && (this.#step % 2 === 0) === this.#initiator;
  }

  /** Whether all messages were exchanged, so that `split` is next. */
  get done(): boolean {
    return this.#step === this.#pattern.messages.length;
  }

  /** The other end's static key, once known. Proven to be its own only when the handshake is done. */
  get remoteStatic(): Uint8Array | null {
    return this.#rs;
  }

  /** The next message, with `payload` as well protected as the pattern has it by then (§7.7). */
  writeMessage(payload: Uint8Array): Uint8Array {
    if (this.#dead || !this.ourTurn) throw failed();
    const parts: Uint8Array[] = [];
    for (const token of this.#pattern.messages[this.#step] ?? []) {
      switch (token) {
        case 'e':
          this.#e = generateKeyPair(this.#random);
          parts.push(this.#e.publicKey);
          this.#symmetric.mixHash(this.#e.publicKey);
          break;
        case 's':
          parts.push(this.#symmetric.encryptAndHash(key(this.#s).publicKey));
          break;
        default:
          this.#mixDh(token);
      }
    }
    parts.push(this.#symmetric.encryptAndHash(payload));
    this.#step += 1;
    const message = concatBytes(...parts);
    if (message.byteLength > MAX_NOISE_BYTES) throw failed();
    return message;
  }

  /** The payload of the other end's next message. Throws on anything but that message, whole and unaltered. */
  readMessage(message: Uint8Array): Uint8Array {
    if (this.#dead || this.done || this.ourTurn) throw failed();
    try {
      return this.#read(message);
    } catch (cause) {
      this.#dead = true;
      throw failed(cause);
    }
  }

  /** Call it once, after the last message. The keys of the handshake are forgotten. */
  split(): Split {
    if (this.#dead || !this.done) throw failed();
    this.#dead = true;
    const [c1, c2] = this.#symmetric.split();
    this.#e?.secretKey.fill(0);
    return {
      send: this.#initiator ? c1 : c2,
      receive: this.#initiator ? c2 : c1,
      handshakeHash: this.#symmetric.getHandshakeHash(),
    };
  }

  #read(message: Uint8Array): Uint8Array {
    if (message.byteLength > MAX_NOISE_BYTES) throw failed();
    let at = 0;
    const take = (byteCount: number) => {
      if (message.byteLength < at + byteCount) throw failed();
      return message.slice(at, (at += byteCount));
    };
    for (const token of this.#pattern.messages[this.#step] ?? []) {
      switch (token) {
        case 'e':
          this.#re = take(KEY_BYTES);
          this.#symmetric.mixHash(this.#re);
          break;
        case 's':
          this.#rs = this.#symmetric.decryptAndHash(take(KEY_BYTES + (this.#symmetric.hasKey() ? TAG_BYTES : 0)));
          break;
        default:
          this.#mixDh(token);
      }
    }
    const payload = this.#symmetric.decryptAndHash(take(message.byteLength - at));
    this.#step += 1;
    return payload;
  }

  #mixDh(token: 'ee' | 'es' | 'se'): void {
    const ours = token === 'ee' || (token === 'es') === this.#initiator ? this.#e : this.#s;
    const theirs = token === 'ee' || (token === 'se') === this.#initiator ? this.#re : this.#rs;
    const shared = dh(key(ours), key(theirs));
    this.#symmetric.mixKey(shared);
    shared.fill(0);
  }
}

/** DH (§4.1, §12.1). Throws when the result is all zero (RFC 7748 §6.1): such a key would be known to everyone. */
function dh(ours: KeyPair, theirs: Uint8Array): Uint8Array {
  const shared = x25519.getSharedSecret(ours.secretKey, theirs);
  if (shared.every((byte) => byte === 0)) throw failed();
  return shared;
}

/** HKDF with two outputs (§4.3): RFC 5869 with the chaining key as salt and no info. */
function hkdf2(chainingKey: Uint8Array, inputKeyMaterial: Uint8Array): [Uint8Array, Uint8Array] {
  const output = hkdf(sha256, inputKeyMaterial, chainingKey, undefined, 2 * KEY_BYTES);
  return [output.slice(0, KEY_BYTES), output.slice(KEY_BYTES)];
}

function key<T>(value: T | null): T {
  if (value === null) throw failed();
  return value;
}

function failed(cause?: unknown): MeshError {
  return new MeshError('seal_failed', 'The connection could not be sealed: what arrived was forged or altered.', {
    cause,
  });
}
