import { inspect } from 'node:util';
import { ed25519 } from '@noble/curves/ed25519.js';
import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromBase32, toBase32 } from '../base/base32.ts';
import { peerIdOf, signed, softwareIdentity, verify } from './identity.ts';
import { isPeerId } from '../base/ids.ts';
import { randomBytes } from '../base/random-bytes.ts';
import { openRecord, RECORD_OVERHEAD_BYTES, signRecord } from './signed-record.ts';

const text = (value: string) => new TextEncoder().encode(value);
const ada = softwareIdentity(randomBytes(32));
const flipped = (bytes: Uint8Array, at: number) => bytes.with(at, (bytes[at] ?? 0) ^ 1);

describe('base32', () => {
  it('says what RFC 4648 §10 says', () => {
    const pairs = {
      '': '',
      f: 'my',
      fo: 'mzxq',
      foo: 'mzxw6',
      foob: 'mzxw6yq',
      fooba: 'mzxw6ytb',
      foobar: 'mzxw6ytboi',
    };
    for (const [plain, coded] of Object.entries(pairs)) {
      expect(toBase32(text(plain))).toBe(coded);
      expect(fromBase32(coded)).toEqual(text(plain));
    }
  });

  it('comes back as it went, and is written one way only', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        expect(fromBase32(toBase32(bytes))).toEqual(bytes);
      }),
    );
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...Array.from('abcdwxyz2345670189AZ=-')) }), (coded) => {
        const bytes = fromBase32(coded);
        if (bytes !== null) expect(toBase32(bytes)).toBe(coded);
      }),
    );
  });
});

describe('an identity', () => {
  it('has an id that is derived from its key, and a peer id', () => {
    expect(isPeerId(ada.peerId)).toBe(true);
    expect(peerIdOf(ada.publicKey)).toBe(ada.peerId);
    expect(peerIdOf(flipped(ada.publicKey, 0))).not.toBe(ada.peerId);
    // SHA-256 of 32 zero bytes begins 66687aadf862bd776c8fc18b8e9f8e2008971485.
    expect(peerIdOf(new Uint8Array(32))).toBe(toBase32(hexToBytes('66687aadf862bd776c8fc18b8e9f8e2008971485')));
  });

  it('signs as RFC 8032 §7.1, test 3, has it', async () => {
    const identity = softwareIdentity(hexToBytes('c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7'));
    expect(bytesToHex(identity.publicKey)).toBe('fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025');
    const signature = await identity.sign(hexToBytes('af82'));
    expect(bytesToHex(signature)).toBe(
      '6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a',
    );
    expect(verify(identity.publicKey, hexToBytes('af82'), signature)).toBe(true);
  });

  it('is verified strictly, and nothing throws', async () => {
    const message = text('hello');
    const signature = await ada.sign(message);
    expect(verify(ada.publicKey, message, signature)).toBe(true);
    expect(verify(ada.publicKey, text('hello!'), signature)).toBe(false);
    expect(verify(softwareIdentity(randomBytes(32)).publicKey, message, signature)).toBe(false);
    for (const at of [0, 31, 32, 63]) expect(verify(ada.publicKey, message, flipped(signature, at))).toBe(false);
    for (const length of [0, 31, 33, 64]) expect(verify(new Uint8Array(length), message, signature)).toBe(false);
    for (const length of [0, 63, 65]) expect(verify(ada.publicKey, message, new Uint8Array(length))).toBe(false);
    // With s + L instead of s the equation is the same, but the signature is another.
    const L = (1n << 252n) + 27742317777372353535851937790883648493n;
    let s = signature.slice(32).reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n) + L;
    const malleable = new Uint8Array(signature);
    for (let i = 32; i < 64; i++, s >>= 8n) malleable[i] = Number(s & 255n);
    expect(verify(ada.publicKey, message, malleable)).toBe(false);
    // A key of small order, under which one signature fits every message (accepted by ZIP 215).
    const small = new Uint8Array(32).with(0, 1);
    const universal = new Uint8Array(64).with(0, 1);
    expect(ed25519.verify(universal, message, small, { zip215: true })).toBe(true);
    expect(verify(small, message, universal)).toBe(false);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), fc.uint8Array({ maxLength: 70 }), (key, junk) => {
        expect(verify(key, message, junk)).toBe(false);
      }),
    );
  });

  it('shows its key to nobody who prints it', () => {
    const secret = randomBytes(32);
    const identity = softwareIdentity(secret);
    const shown = JSON.stringify(identity) + inspect(identity, { showHidden: true, depth: 9 });
    expect(shown).not.toContain(bytesToHex(secret));
    expect(shown.replaceAll(/\s/g, '')).not.toContain(secret.slice(0, 8).join(','));
    expect(Object.keys(identity).sort()).toEqual(['peerId', 'publicKey', 'sign']);
    secret.fill(0);
    expect(identity.peerId).not.toBe(softwareIdentity(secret).peerId);
  });

  it('signs for one purpose at a time', async () => {
    const record = await signRecord('hello', text('challenge'), ada);
    expect(openRecord('hello', record, 1024)).toEqual({ signer: ada.peerId, body: text('challenge') });
    expect(openRecord('lease', record, 1024)).toBeNull();
    expect(openRecord('hello', record, record.byteLength - 1)).toBeNull();
    expect(openRecord('hello', record.subarray(0, RECORD_OVERHEAD_BYTES), 1024)).toBeNull();
    for (const at of [0, 40, 100]) expect(openRecord('hello', flipped(record, at), 1024)).toBeNull();
    expect(signed('hello', text('x'))).toEqual(text('llmesh/1/hello\0x'));
  });
});
