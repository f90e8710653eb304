import { describe, expect, it } from 'vitest';
import { SECRET_KEY_BYTES, signed, softwareIdentity, verify } from './identity.ts';
import { randomBytes } from '../base/random-bytes.ts';
import { createPublicKey, verify as opensslVerify } from 'node:crypto';
import { nodeIdentity, nodeVerify } from './node-signatures.ts';

describe('signatures by OpenSSL', () => {
  it('are those of the same key in software, to the byte', async () => {
    for (let i = 0; i < 20; i++) {
      const secret = randomBytes(SECRET_KEY_BYTES);
      const [node, software] = [nodeIdentity(secret), softwareIdentity(secret)];
      const message = signed('lease', randomBytes(i * 13));
      expect(node.peerId).toBe(software.peerId);
      expect(node.publicKey).toEqual(software.publicKey);
      const signature = await node.sign(message);
      expect(signature).toEqual(new Uint8Array(await software.sign(message)));
      expect(await nodeIdentity(secret, 'thread').sign(message)).toEqual(signature);
      expect(verify(node.publicKey, message, signature)).toBe(true);
      expect(nodeVerify(node.publicKey, message, signature)).toBe(true);
    }
  });

  it('count for the key, the message and themselves alone', async () => {
    const identity = nodeIdentity(randomBytes(SECRET_KEY_BYTES));
    const message = signed('lease', randomBytes(50));
    const signature = await identity.sign(message);
    const other = nodeIdentity(randomBytes(SECRET_KEY_BYTES));
    expect(nodeVerify(other.publicKey, message, signature)).toBe(false);
    for (let at = 0; at < 64; at += 7) {
      expect(nodeVerify(identity.publicKey, message, signature.with(at, (signature[at] ?? 0) ^ 1))).toBe(false);
    }
    expect(nodeVerify(identity.publicKey, message.subarray(1), signature)).toBe(false);
    expect(nodeVerify(identity.publicKey, message, signature.subarray(1))).toBe(false);
    expect(nodeVerify(identity.publicKey.subarray(1), message, signature)).toBe(false);
    expect(nodeVerify(new Uint8Array(32).fill(255), message, signature)).toBe(false);
    // RFC 8032 §5.1.7: S plus the order of the group is not another spelling of S.
    const order = 2n ** 252n + 27742317777372353535851937790883648493n;
    const s = signature.slice(32).reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n) + order;
    const again = signature.slice();
    for (let i = 0; i < 32; i++) again[32 + i] = Number((s >> BigInt(8 * i)) & 255n);
    expect(nodeVerify(identity.publicKey, message, again)).toBe(false);
  });

  it('do not count for keys of small order, nor for other spellings of a key, though OpenSSL would take them', () => {
    const field = 2n ** 255n - 19n;
    // libsodium's list (ed25519_ref10.c, ge25519_has_small_order), as y; and 1 as it is also spelled.
    const weak = [
      0n,
      1n,
      0x05fc536d880238b13933c6d305acdfd5f098eff289f4c345b027b2c28f95e826n,
      0x7a03ac9277fdc74ec6cc392cfa53202a0f67100d760b3cba4fd83d3d706a17c7n,
      field - 1n,
      field,
      field + 1n,
    ];
    const takenByOpenSsl: boolean[] = [];
    for (const y of weak) {
      for (const sign of [0, 0x80]) {
        const key = Uint8Array.from({ length: 32 }, (_, i) => Number((y >> BigInt(8 * i)) & 255n));
        key[31] = (key[31] ?? 0) | sign;
        // R is the neutral element and S is zero: the sum fits whenever the hash is a multiple of the key's order.
        const signature = new Uint8Array(64);
        signature[0] = 1;
        for (let i = 0; i < 64; i++) {
          const message = signed('lease', Uint8Array.of(i));
          expect(nodeVerify(key, message, signature)).toBe(false);
          expect(verify(key, message, signature)).toBe(false);
          takenByOpenSsl.push(openSslTakes(key, message, signature));
        }
      }
    }
    expect(takenByOpenSsl).toContain(true);
  });

  it('need a whole key', () => {
    expect(() => nodeIdentity(randomBytes(31))).toThrow(RangeError);
  });
});

function openSslTakes(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  try {
    const spki = Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), publicKey]);
    return opensslVerify(null, message, createPublicKey({ key: spki, format: 'der', type: 'spki' }), signature);
  } catch {
    return false;
  }
}
