import { x25519 } from '@noble/curves/ed25519.js';
import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CipherState, EMPTY, MAX_NONCE } from './noise-cipher.ts';
import { generateKeyPair, HandshakeState, keyPairOf, NK, XX, type HandshakePattern, type KeyPair } from './noise.ts';
import { randomBytes } from '../../base/random-bytes.ts';
// From https://github.com/haskell-cryptography/cacophony, vectors/cacophony.txt at 8ee9d41 (public domain).
import vectors from './noise-vectors.json' with { type: 'json' };

interface Vector {
  protocol_name: string;
  init_prologue: string;
  init_static?: string;
  init_ephemeral: string;
  init_remote_static?: string;
  resp_prologue: string;
  resp_static: string;
  resp_ephemeral: string;
  handshake_hash: string;
  messages: { payload: string; ciphertext: string }[];
}

const patterns: Record<string, HandshakePattern> = {
  Noise_XX_25519_ChaChaPoly_SHA256: XX,
  Noise_NK_25519_ChaChaPoly_SHA256: NK,
};
const always = (hex: string) => () => hexToBytes(hex) as Uint8Array<ArrayBuffer>;
const prologue = new TextEncoder().encode('both of us');

/** Two ends of one handshake; `bend` changes what one of them believes. */
function pair(pattern: HandshakePattern, bend: { prologue?: Uint8Array; rs?: KeyPair } = {}) {
  const initiatorKey = generateKeyPair(randomBytes);
  const responderKey = generateKeyPair(randomBytes);
  return {
    initiator: new HandshakeState({
      pattern,
      initiator: true,
      prologue,
      s: pattern === XX ? initiatorKey : null,
      rs: pattern === NK ? (bend.rs ?? responderKey).publicKey : null,
      random: randomBytes,
    }),
    responder: new HandshakeState({
      pattern,
      initiator: false,
      prologue: bend.prologue ?? prologue,
      s: responderKey,
      rs: null,
      random: randomBytes,
    }),
    initiatorKey,
    responderKey,
  };
}

function finish(pattern: HandshakePattern) {
  const { initiator, responder, ...keys } = pair(pattern);
  let writer = initiator;
  let reader = responder;
  while (!writer.done) {
    expect(reader.readMessage(writer.writeMessage(EMPTY))).toEqual(EMPTY);
    [writer, reader] = [reader, writer];
  }
  return { a: initiator.split(), b: responder.split(), initiator, responder, ...keys };
}

describe('Noise', () => {
  it.each(vectors as Vector[])('says what the public vectors say: $protocol_name', (vector) => {
    const pattern = patterns[vector.protocol_name] ?? XX;
    const initiator = new HandshakeState({
      pattern,
      initiator: true,
      prologue: hexToBytes(vector.init_prologue),
      s: vector.init_static === undefined ? null : keyPairOf(hexToBytes(vector.init_static)),
      rs: vector.init_remote_static === undefined ? null : hexToBytes(vector.init_remote_static),
      random: always(vector.init_ephemeral),
    });
    const responder = new HandshakeState({
      pattern,
      initiator: false,
      prologue: hexToBytes(vector.resp_prologue),
      s: keyPairOf(hexToBytes(vector.resp_static)),
      rs: null,
      random: always(vector.resp_ephemeral),
    });
    let [writer, reader] = [initiator, responder];
    const handshake = vector.messages.slice(0, pattern.messages.length);
    for (const { payload, ciphertext } of handshake) {
      const message = writer.writeMessage(hexToBytes(payload));
      expect(bytesToHex(message)).toBe(ciphertext);
      expect(bytesToHex(reader.readMessage(message))).toBe(payload);
      [writer, reader] = [reader, writer];
    }
    const a = initiator.split();
    const b = responder.split();
    expect(bytesToHex(a.handshakeHash)).toBe(vector.handshake_hash);
    expect(bytesToHex(b.handshakeHash)).toBe(vector.handshake_hash);
    let [from, to] = handshake.length % 2 === 0 ? [a, b] : [b, a];
    const rest = vector.messages.slice(pattern.messages.length);
    expect(rest.length).toBeGreaterThan(2);
    for (const { payload, ciphertext } of rest) {
      const sealed = from.send.encryptWithAd(EMPTY, hexToBytes(payload));
      expect(bytesToHex(sealed)).toBe(ciphertext);
      expect(bytesToHex(to.receive.decryptWithAd(EMPTY, sealed))).toBe(payload);
      [from, to] = [to, from];
    }
  });

  it('tells each end the static key of the other, where it has one', () => {
    const xx = finish(XX);
    expect(xx.initiator.remoteStatic).toEqual(xx.responderKey.publicKey);
    expect(xx.responder.remoteStatic).toEqual(xx.initiatorKey.publicKey);
    expect(xx.a.handshakeHash).toEqual(xx.b.handshakeHash);
    const nk = finish(NK);
    expect(nk.responder.remoteStatic).toBeNull();
    expect(nk.a.handshakeHash).toEqual(nk.b.handshakeHash);
    expect(nk.a.handshakeHash).not.toEqual(xx.a.handshakeHash);
  });

  it.each([XX, NK])('refuses every handshake message of $name that is forged, cut or drawn out', (pattern) => {
    for (let step = 0; step < pattern.messages.length; step++) {
      fc.assert(
        fc.property(
          fc.nat(),
          fc.integer({ min: 1, max: 255 }),
          fc.constantFrom('forge', 'cut', 'draw'),
          (at, bit, how) => {
            const { initiator, responder } = pair(pattern);
            let [writer, reader] = [initiator, responder];
            for (let i = 0; i < step; i++) {
              reader.readMessage(writer.writeMessage(EMPTY));
              [writer, reader] = [reader, writer];
            }
            const message = writer.writeMessage(EMPTY);
            let bent = new Uint8Array(message);
            if (how === 'forge') bent[at % bent.length] = (bent[at % bent.length] ?? 0) ^ bit;
            else if (how === 'cut') bent = bent.slice(0, at % bent.length);
            else bent = new Uint8Array([...message, bit]);
            // Nothing checks the first message of XX, so the reply, which covers it, is refused.
            expect(() => {
              expect(reader.readMessage(bent)).toEqual(EMPTY);
              writer.readMessage(reader.writeMessage(EMPTY));
            }).toThrow();
          },
        ),
        { numRuns: 25 },
      );
    }
  });

  it('ends with the first failure, even when the right message follows', () => {
    const { initiator, responder } = pair(XX);
    responder.readMessage(initiator.writeMessage(EMPTY));
    const reply = responder.writeMessage(EMPTY);
    expect(() => initiator.readMessage(reply.slice(1))).toThrow(expect.objectContaining({ code: 'seal_failed' }));
    expect(() => initiator.readMessage(reply)).toThrow(expect.objectContaining({ code: 'seal_failed' }));
    expect(() => initiator.split()).toThrow();
  });

  it('refuses messages out of turn, replayed, or of another handshake', () => {
    const one = pair(XX);
    const two = pair(XX);
    const first = one.initiator.writeMessage(EMPTY);
    expect(() => one.initiator.writeMessage(EMPTY)).toThrow();
    expect(() => one.initiator.split()).toThrow();
    one.responder.readMessage(first);
    two.responder.readMessage(two.initiator.writeMessage(EMPTY));
    const replies = [one.responder.writeMessage(EMPTY), two.responder.writeMessage(EMPTY)];
    expect(() => one.initiator.readMessage(replies[1] ?? EMPTY)).toThrow();
    two.initiator.readMessage(replies[1] ?? EMPTY);
    const third = two.initiator.writeMessage(EMPTY);
    expect(() => one.responder.readMessage(third)).toThrow();
    two.responder.readMessage(third);
    expect(() => two.responder.readMessage(third)).toThrow();
    // The last message of an old handshake is worthless when it is replayed to a new one.
    const three = pair(XX);
    three.responder.readMessage(first);
    three.responder.writeMessage(EMPTY);
    expect(() => three.responder.readMessage(third)).toThrow();
  });

  it('refuses another prologue', () => {
    for (const pattern of [XX, NK]) {
      const { initiator, responder } = pair(pattern, { prologue: new TextEncoder().encode('someone else') });
      expect(() => {
        responder.readMessage(initiator.writeMessage(EMPTY));
        initiator.readMessage(responder.writeMessage(EMPTY));
      }).toThrow(expect.objectContaining({ code: 'seal_failed' }));
    }
  });

  it('refuses a responder of NK that has another static key', () => {
    const { initiator, responder } = pair(NK, { rs: generateKeyPair(randomBytes) });
    expect(() => responder.readMessage(initiator.writeMessage(EMPTY))).toThrow();
  });

  // RFC 7748 §6.1 refuses the points of small order and their other encodings: each makes the DH all zero.
  it.each([
    '0000000000000000000000000000000000000000000000000000000000000000',
    '0100000000000000000000000000000000000000000000000000000000000000',
    'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
    '5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157',
    'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
    'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
    'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  ])('refuses the public key %s', (hex) => {
    const nk = pair(NK).responder;
    expect(() => nk.readMessage(new Uint8Array([...hexToBytes(hex), ...new Uint8Array(16)]))).toThrow();
    const xx = pair(XX).responder;
    expect(xx.readMessage(hexToBytes(hex))).toEqual(EMPTY);
    expect(() => xx.writeMessage(EMPTY)).toThrow();
    expect(() => x25519.getSharedSecret(randomBytes(32), hexToBytes(hex))).toThrow();
  });
});

describe('CipherState', () => {
  it('opens only the next message, whole, with what goes with it', () => {
    const { a, b } = finish(XX);
    const ad = new Uint8Array([1]);
    const messages = [0, 1, 2].map((n) => a.send.encryptWithAd(ad, new Uint8Array([n])));
    const [first, second, third] = messages as [Uint8Array, Uint8Array, Uint8Array];
    expect(() => b.receive.decryptWithAd(ad, second)).toThrow(expect.objectContaining({ code: 'seal_broken' }));
    expect(() => b.receive.decryptWithAd(EMPTY, first)).toThrow();
    expect(() => b.receive.decryptWithAd(ad, first.slice(1))).toThrow();
    expect(() => b.receive.decryptWithAd(ad, EMPTY)).toThrow();
    expect(b.receive.decryptWithAd(ad, first)).toEqual(new Uint8Array([0]));
    expect(() => b.receive.decryptWithAd(ad, first)).toThrow();
    expect(b.receive.decryptWithAd(ad, second)).toEqual(new Uint8Array([1]));
    expect(b.receive.nonce).toBe(2);
    expect(() => a.receive.decryptWithAd(ad, third)).toThrow();
  });

  it('writes where it is told, also over the plaintext', () => {
    const { a, b } = finish(XX);
    const buffer = new Uint8Array(100 + 16).fill(7);
    const sealed = a.send.encryptWithAd(EMPTY, buffer.subarray(0, 100), buffer);
    expect(sealed).toBe(buffer);
    const plain = new Uint8Array(100);
    expect(b.receive.decryptWithAd(EMPTY, sealed, plain)).toBe(plain);
    expect(plain).toEqual(new Uint8Array(100).fill(7));
  });

  it('continues under another key after rekey, in step and not out of it', () => {
    const { a, b } = finish(NK);
    const say = () => a.send.encryptWithAd(EMPTY, new Uint8Array([9]));
    b.receive.decryptWithAd(EMPTY, say());
    a.send.rekey();
    const sealed = say();
    expect(() => b.receive.decryptWithAd(EMPTY, sealed)).toThrow();
    b.receive.rekey();
    expect(b.receive.decryptWithAd(EMPTY, sealed)).toEqual(new Uint8Array([9]));
    expect(a.send.nonce).toBe(2);
  });

  it('rekeys as §11.3 says: the first 32 bytes of what seals 32 zeros with nonce 2^64-1', async () => {
    const { createCipheriv } = await import('node:crypto');
    const key = randomBytes(32);
    const nonce = Buffer.from('00000000ffffffffffffffff', 'hex');
    const next = createCipheriv('chacha20-poly1305', key, nonce, { authTagLength: 16 }).update(new Uint8Array(32));
    const cipher = new CipherState();
    cipher.initializeKey(new Uint8Array(key));
    cipher.rekey();
    const expected = new CipherState();
    expected.initializeKey(new Uint8Array(next));
    expect(cipher.encryptWithAd(EMPTY, prologue)).toEqual(expected.encryptWithAd(EMPTY, prologue));
  });

  it('counts past 2^32 and stops before its numbers run out', () => {
    const key = randomBytes(32);
    const [a, b] = [new CipherState(), new CipherState()];
    for (const cipher of [a, b]) cipher.initializeKey(key);
    for (const nonce of [2 ** 32 - 1, 2 ** 32, 2 ** 40 + 1, MAX_NONCE]) {
      a.setNonce(nonce);
      b.setNonce(nonce);
      expect(b.decryptWithAd(EMPTY, a.encryptWithAd(EMPTY, prologue))).toEqual(prologue);
    }
    expect(() => a.encryptWithAd(EMPTY, prologue)).toThrow(expect.objectContaining({ code: 'seal_broken' }));
    a.setNonce(1);
    b.setNonce(2 ** 32 + 1);
    expect(() => b.decryptWithAd(EMPTY, a.encryptWithAd(EMPTY, prologue))).toThrow();
  });
});
