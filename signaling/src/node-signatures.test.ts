import { describe, expect, it } from 'vitest';
import { SECRET_KEY_BYTES, signed, softwareIdentity, verify } from '@llmesh/core/identity';
import { randomBytes } from '@llmesh/core/random-bytes';
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
    // RFC 8032 §5.1.7: S plus the order of the group is no other spelling of S.
    const order = 2n ** 252n + 27742317777372353535851937790883648493n;
    const s = signature.slice(32).reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n) + order;
    const again = signature.slice();
    for (let i = 0; i < 32; i++) again[32 + i] = Number((s >> BigInt(8 * i)) & 255n);
    expect(nodeVerify(identity.publicKey, message, again)).toBe(false);
  });

  it('need a whole key', () => {
    expect(() => nodeIdentity(randomBytes(31))).toThrow(RangeError);
  });
});
