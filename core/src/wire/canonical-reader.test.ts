import { Decoder } from '@msgpack/msgpack';
import { expect, it } from 'vitest';
import { canonical, sameBytes } from './canonical.ts';
import { readCanonicalValue } from './canonical-reader.ts';
import { wellShaped } from './msgpack-shape.ts';

/** Reads everything, and writes it again to see whether it was canonical. */
const general = new Decoder({ maxStrLength: 196_608, maxBinLength: 8_192, maxArrayLength: 4_096, maxMapLength: 0 });
function readAndWritten(bytes: Uint8Array): unknown {
  if (!wellShaped(bytes, 3)) return undefined;
  try {
    const value = general.decode(bytes);
    return !isOdd(value) && sameBytes(canonical(value as unknown[]), bytes) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Maps, and what is no number: no schema takes them. */
function isOdd(value: unknown): boolean {
  if (Array.isArray(value)) return value.some(isOdd);
  if (Number.isNaN(value)) return true;
  return typeof value === 'object' && value !== null && !(value instanceof Uint8Array);
}

const EDGES = [0, 1, 31, 32, 33, 127, 128, 129, 255, 256, 257, 32_767, 32_768, 65_535, 65_536, 2 ** 31, 2 ** 32 - 1];
const NUMBERS = [...EDGES, 2 ** 32, 2 ** 40 + 7, Number.MAX_SAFE_INTEGER, 1.5, -0.25, 2 ** 60, Infinity];
const TEXTS = ['', 'a', 'x'.repeat(31), 'x'.repeat(32), 'x'.repeat(255), 'x'.repeat(256), 'x'.repeat(65_536), 'für 🙂'];
const BINARIES = [0, 1, 255, 256, 8_192].map((length) => new Uint8Array(length).fill(7));
const LISTS = [[], [1], Array.from({ length: 15 }, () => 0), Array.from({ length: 16 }, () => 'a'), [[], ['deep']]];
const VALUES = [null, true, false, ...NUMBERS, ...NUMBERS.map((n) => -1 - n), ...TEXTS, ...BINARIES, ...LISTS];

const HEADS = [0x00, 0x7f, 0x80, 0x91, 0xa1, 0xc0, 0xc1, 0xc4, 0xcb, 0xcc, 0xcf, 0xd0, 0xd3, 0xd9, 0xdc, 0xff];

it('reads whatever is written', () => {
  for (const value of VALUES) expect(readCanonicalValue(canonical([value, 'after']))).toEqual([value, 'after']);
});

it('takes as much as reading everything and writing it again, whatever bytes come', () => {
  const samples = VALUES.map((value) => canonical([value, 1])).filter(({ byteLength }) => byteLength < 600);
  const odd: Uint8Array[] = [];
  let [taken, tried] = [0, 0];
  for (const sample of samples) {
    for (let i = 0; i < sample.byteLength; i += i < 24 ? 1 : 37) {
      for (const byte of HEADS) {
        const bytes = sample.with(i, byte);
        const [read, expected] = [readCanonicalValue(bytes), readAndWritten(bytes)];
        // Both say what they would write with these very bytes.
        const isSame = expected === undefined ? read === undefined : sameBytes(canonical(read as unknown[]), bytes);
        if (!isSame) odd.push(bytes);
        tried += 1;
        if (expected !== undefined) taken += 1;
      }
    }
    expect(readCanonicalValue(sample.subarray(0, -1))).toBeUndefined();
    expect(readCanonicalValue(Uint8Array.of(...sample, 0))).toBeUndefined();
  }
  expect(odd).toEqual([]);
  expect(taken).toBeGreaterThan(tried / 20);
  expect(taken).toBeLessThan(tried);
});

it.each<[string, readonly number[]]>([
  ['nothing', []],
  ['a number with a longer head than it needs', [0x91, 0xcc, 0x7f]],
  ['a whole number as a float', [0x91, 0xcb, 0x3f, 0xf0, 0, 0, 0, 0, 0, 0]],
  ['what is no number', [0x91, 0xcb, 0x7f, 0xf8, 0, 0, 0, 0, 0, 0]],
  ['a number that is not exact', [0x91, 0xcf, 0, 0x20, 0, 0, 0, 0, 0, 1]],
  ['a text with a longer head than it needs', [0x91, 0xd9, 1, 0x61]],
  ['bytes with a longer head than they need', [0x91, 0xc5, 0, 1, 0]],
  ['a list with a longer head than it needs', [0xdc, 0, 1, 0]],
  ['half a character', [0x91, 0xa1, 0xc3]],
  ['a surrogate alone', [0x91, 0xa3, 0xed, 0xa0, 0x80]],
  ['lists in lists in lists in lists', [0x91, 0x91, 0x91, 0x91, 0]],
  ['a list that claims more than there is', [0xdc, 0xff, 0xff, 0]],
  ['bytes that claim more than there are', [0x91, 0xc4, 9, 0]],
  ['a map', [0x91, 0x80]],
  ['an extension', [0x91, 0xd4, 1, 0]],
])('refuses %s', (_, bytes) => {
  expect(readCanonicalValue(Uint8Array.from(bytes))).toBeUndefined();
});
