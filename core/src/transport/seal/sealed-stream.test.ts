import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CipherState } from './noise-cipher.ts';
import { MAX_FRAGMENT_BYTES, MAX_SEALED_BYTES, SEAL_BYTES } from '../../protocol.ts';
import { randomBytes } from '../../base/random-bytes.ts';
import { wireMessage } from './seal-wire.ts';
import { REKEY, SealedStream, type RekeyLimits } from './sealed-stream.ts';

function pair(limits?: RekeyLimits, limitsOfReceiver = limits) {
  const key = randomBytes(32);
  const rekeys = [0, 0];
  const [sender, receiver] = rekeys.map((_, i) => {
    const cipher = new CipherState();
    cipher.initializeKey(new Uint8Array(key));
    const rekey = cipher.rekey.bind(cipher);
    cipher.rekey = () => {
      rekeys[i] = (rekeys[i] ?? 0) + 1;
      rekey();
    };
    return new SealedStream(cipher, i === 0 ? limits : limitsOfReceiver);
  }) as [SealedStream, SealedStream];
  return { sender, receiver, rekeys };
}

describe('a sealed stream', () => {
  it('changes its keys after 2^20 messages or 1 GiB', () => {
    expect(REKEY).toEqual({ messages: 1_048_576, bytes: 1_073_741_824 });
  });

  it('changes them at both ends in step, whatever is sent', () => {
    fc.assert(
      fc.property(
        fc.record({ messages: fc.integer({ min: 1, max: 9 }), bytes: fc.integer({ min: 1, max: 2_000 }) }),
        fc.array(fc.uint8Array({ maxLength: 500 }), { minLength: 1, maxLength: 60 }),
        (limits, fragments) => {
          const { sender, receiver, rekeys } = pair(limits);
          for (const fragment of fragments) expect(receiver.open(sender.seal(fragment))).toEqual(fragment);
          expect(rekeys[0]).toBe(rekeys[1]);
          expect(rekeys[0]).toBeGreaterThanOrEqual(Math.floor(fragments.length / limits.messages));
        },
      ),
    );
  });

  it('cannot be read by one who missed the change', () => {
    const { sender, receiver } = pair({ messages: 3, bytes: 1e9 }, { messages: 4, bytes: 1e9 });
    for (let n = 0; n < 3; n++) expect(receiver.open(sender.seal(new Uint8Array(n)))).toEqual(new Uint8Array(n));
    expect(() => receiver.open(sender.seal(new Uint8Array(1)))).toThrow(
      expect.objectContaining({ code: 'seal_broken' }),
    );
  });

  it('carries fragments of every length up to the largest, and no larger', () => {
    const { sender, receiver } = pair();
    for (const length of [0, 1, 2, 3, 63, 64, 65, 120, 16_383, MAX_FRAGMENT_BYTES]) {
      const fragment = randomBytes(length);
      const message = sender.seal(fragment);
      expect(message.byteLength).toBe(length + SEAL_BYTES);
      expect(message.byteOffset).toBe(0);
      expect(message.buffer.byteLength).toBe(message.byteLength);
      expect(Buffer.compare(receiver.open(message), fragment)).toBe(0);
    }
    expect(() => sender.seal(new Uint8Array(MAX_FRAGMENT_BYTES + 1))).toThrow();
    expect(() => receiver.open(wireMessage(3, new Uint8Array(MAX_SEALED_BYTES)))).toThrow();
  });

  it('refuses anything that was not sealed for it, and never anything but by name', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), fc.boolean(), (junk, framed) => {
        const { receiver } = pair();
        expect(() => receiver.open(framed ? wireMessage(3, junk) : junk)).toThrow(
          expect.objectContaining({ name: 'MeshError', code: expect.stringMatching(/seal_broken|version_mismatch/) }),
        );
      }),
    );
  });
});
