import { encode } from '@msgpack/msgpack';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MessageReader } from './frame.ts';
import { wellShaped } from './msgpack-shape.ts';
import { MAX_FRAGMENT_BYTES, PROTOCOL_VERSION } from '../protocol.ts';

describe('the look over MessagePack', () => {
  it('lets everything pass that is whole and not too deep', () => {
    fc.assert(
      fc.property(fc.anything({ withBigInt: false, withTypedArray: true, maxDepth: 6 }), (value) => {
        let bytes: Uint8Array;
        try {
          bytes = encode(value, { maxDepth: 20 });
        } catch {
          return; // Not everything JavaScript has can be written as MessagePack.
        }
        expect(wellShaped(bytes, 20)).toBe(true);
        for (const end of [0, 1, bytes.byteLength >> 1, bytes.byteLength - 1]) {
          if (end < bytes.byteLength) expect(wellShaped(bytes.subarray(0, end), 20)).toBe(false);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('knows every length there is', () => {
    const lengths = [0, 1, 15, 16, 31, 32, 255, 256, 65_535, 65_536];
    for (const length of lengths) {
      const values = [
        'x'.repeat(length),
        new Uint8Array(length),
        Array.from({ length }, () => null),
        Object.fromEntries(Array.from({ length }, (_, i) => [i, i])),
      ];
      for (const value of values) {
        const bytes = encode(value);
        expect(wellShaped(bytes, 1)).toBe(true);
        expect(wellShaped(bytes.subarray(0, -1), 1)).toBe(false);
      }
    }
  });

  it('counts the depth, siblings apart', () => {
    const siblings = encode([[[1]], [[2]], { a: [3] }, 4]);
    expect(wellShaped(siblings, 3)).toBe(true);
    expect(wellShaped(siblings, 2)).toBe(false);
  });

  it.each([
    ['arrays that claim 4,096 items and begin in one another', [0xdc, 0x10, 0x00]],
    ['arrays of one that begin in one another', [0x91]],
    ['maps that begin in one another', [0x81, 0xa1, 0x61]],
  ])('stops %s before they cost memory: a megabyte of it is a bad message', (_, pattern) => {
    const fragment = new Uint8Array(MAX_FRAGMENT_BYTES);
    for (let at = 2; at < fragment.byteLength; at++) fragment[at] = pattern[(at - 2) % pattern.length]!;
    fragment[0] = PROTOCOL_VERSION;
    const reader = new MessageReader();
    for (let n = 0; n < 63; n++) expect(reader.read(fragment)).toBeNull();
    const last = new Uint8Array(fragment);
    last[1] = 1;
    let refusal: unknown;
    try {
      reader.read(last);
    } catch (thrown) {
      refusal = thrown;
    }
    expect(refusal).toMatchObject({ code: 'bad_message' });
    // With a cause it would have come from the decoder.
    expect(refusal).not.toHaveProperty('cause');
  });
});
