/** The few messages that seal a link, as bytes in and bytes out: their content, and who may say what. */
import { readProof, type Credentials, type SealRole } from './credentials.ts';
import { MeshError } from '../../base/errors.ts';
import type { PeerId } from '../../base/ids.ts';
import { EMPTY, type CipherState } from './noise-cipher.ts';
import { HandshakeState, NK, XX } from './noise.ts';
import { PROTOCOL_VERSION } from '../../protocol.ts';
import type { RandomBytes } from '../../base/random-bytes.ts';
import { concatBytes } from '@noble/hashes/utils.js';

/** The state of a sealed link. */
export interface Session {
  readonly send: CipherState;
  readonly receive: CipherState;
  /** The handshake hash: the same at both ends, and of no other link. */
  readonly sessionId: Uint8Array;
  readonly peer: PeerId;
  /** Whether the other end showed that it holds the key of `peer`. */
  readonly proven: boolean;
}

export interface SealHandshakeOptions {
  pattern: 'XX' | 'NK';
  role: SealRole;
  /** Our credentials. A dialler of NK needs none. */
  credentials: Credentials | null;
  /** The provider's static key, for a dialler of NK. */
  remoteStatic: Uint8Array | null;
  /** The peer that the transport says it reached. */
  claimed: PeerId;
  /** What both ends know about the link below. */
  prologue: Uint8Array;
  random: RandomBytes;
}

export class SealHandshake {
  #options: SealHandshakeOptions;
  #noise: HandshakeState;
  /** The peer, once its payload has proven it; null before. */
  #peer: PeerId | null = null;

  constructor(options: SealHandshakeOptions) {
    const { pattern, role, credentials, remoteStatic, prologue, random } = options;
    this.#options = options;
    const initiator = role === 'dialler';
    this.#noise = new HandshakeState({
      pattern: pattern === 'XX' ? XX : NK,
      initiator,
      prologue: concatBytes(new TextEncoder().encode('llmesh/1/seal\0'), new Uint8Array([PROTOCOL_VERSION]), prologue),
      s: pattern === 'XX' || !initiator ? (credentials?.staticKey ?? null) : null,
      rs: remoteStatic,
      random,
    });
  }

  /** The dialler's first message. It carries nothing: what it could say would not be protected from replay. */
  first(): Uint8Array {
    return this.#noise.writeMessage(EMPTY);
  }

  /** Returns the reply, if any, and the session once there is one. Throws on anything that should not be. */
  read(message: Uint8Array): { reply: Uint8Array | null; session: Session | null } {
    const payload = this.#noise.readMessage(message);
    this.#check(payload);
    const reply = this.#noise.ourTurn ? this.#noise.writeMessage(this.#proof()) : null;
    return { reply, session: this.#noise.done ? this.#session() : null };
  }

  /** Static keys, and with them proofs, are in the second and third messages of XX, and in none of NK. */
  #check(payload: Uint8Array): void {
    const { pattern, role, claimed } = this.#options;
    const theirs = this.#noise.remoteStatic;
    if (pattern === 'NK' || theirs === null) {
      if (payload.byteLength > 0) throw forged();
      return;
    }
    const peer = readProof(payload, role === 'dialler' ? 'acceptor' : 'dialler', theirs);
    if (peer === null) throw forged();
    if (peer !== claimed) {
      throw new MeshError('wrong_peer', 'Another computer answered in place of the one that was called.');
    }
    this.#peer = peer;
  }

  #proof(): Uint8Array {
    const { pattern, role, credentials } = this.#options;
    return pattern === 'XX' ? (credentials?.proofs[role] ?? EMPTY) : EMPTY;
  }

  #session(): Session {
    const { role, claimed } = this.#options;
    const { send, receive, handshakeHash } = this.#noise.split();
    return {
      send,
      receive,
      sessionId: handshakeHash,
      peer: this.#peer ?? claimed,
      // The dialler of NK knew the key beforehand, and no one else could have answered.
      proven: this.#peer !== null || role === 'dialler',
    };
  }
}

function forged(): MeshError {
  return new MeshError('seal_failed', 'The other computer could not prove who it is.');
}
