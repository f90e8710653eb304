/** Damages valid input, by chance but reproducibly by its seed: what a fuzzer feeds to a decoder. */
import type { RandomBytes } from '../base/random-bytes.ts';

const MAX_BYTES = 65_536;
/** Numbers around the limits of integers, lengths and counts. */
const NUMBERS = [0, 1, 2, 15, 16, 31, 32, 64, 127, 128, 255, 256, 4096, 4097, 16_384, 65_535, 65_536, 1_048_576];
const BIG_NUMBERS = [2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 53 - 1, 2 ** 53, 2 ** 63, 2 ** 64 - 2048];
const KEYS = ['__proto__', 'constructor', 'prototype', 'toString', 'kind', 'type', 'length', '0', ''];
const ODDITIES: readonly unknown[] = [
  ...[null, undefined, true, false, '', ' ', '0', 'null', '\u0000', '\ud800', '__proto__', '[object Object]'],
  ...[-1, -0, 0.5, 1e308, -1e308, Number.NaN, Number.POSITIVE_INFINITY, Number.MIN_VALUE, ...NUMBERS, ...BIG_NUMBERS],
  ...[[], {}, [[]], [null], { length: 1 }, new Uint8Array(0), new Uint8Array(3)],
];
/** Words of the formats: heads of MessagePack and GGUF, pieces of JSON, things that programs trip over. */
const WORDS = [
  ...['{', '}', '[', ']', '"', ',', ':', '\\u0000', '\\ud800', '1e999', '-0', 'null', '{"__proto__":', '"type":'],
  ...['\u{1f980}', '\u202e', 'a=fingerprint:', '\r\n'],
].map((word) => new TextEncoder().encode(word));
const HEADS = [
  ...[[0xc0], [0xc1], [0xc4, 0xff], [0xc6, 0xff, 0xff, 0xff, 0xff], [0xc7, 0x01, 0xff], [0xcb], [0xcf], [0xd9, 0xff]],
  ...[
    [0xdb, 0xff, 0xff, 0xff, 0xff],
    [0xdc, 0x10, 0x00],
    [0xdd, 0xff, 0xff, 0xff, 0xff],
    [0xde, 0xff, 0xff],
  ],
  ...[[0xdf, 0x7f, 0xff, 0xff, 0xff], [0x8f], [0x9f], [0xa9, ...new TextEncoder().encode('__proto__')]],
].map((head) => new Uint8Array(head));
/** Repeated, each opens a level inside the previous one. */
const OPENINGS = [[0x91], [0xdc, 0x10, 0x00], [0x81, 0xa1, 0x61], [0x5b], [0x7b, 0x22, 0x61, 0x22, 0x3a]].map(
  (opening) => new Uint8Array(opening),
);

export class Mutator {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** From 0 up to, but not including, 1. Mulberry32 is even enough, and short. */
  random(): number {
    this.#state = (this.#state + 0x6d2b_79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 0x1_0000_0000;
  }

  below(limit: number): number {
    return Math.floor(this.random() * limit);
  }

  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)]!;
  }

  /** For keys and nonces that must be the same in every run. */
  bytes: RandomBytes = (byteCount) => Uint8Array.from({ length: byteCount }, () => this.below(256));

  /** One to four kinds of damage, one after the other. `other`: something to cross it with. */
  damage(bytes: Uint8Array, other: Uint8Array): Uint8Array {
    let damaged = bytes;
    for (let times = 1 + this.below(4); times > 0; times--) damaged = this.#damageOnce(damaged, other);
    return damaged.byteLength > MAX_BYTES ? damaged.slice(0, MAX_BYTES) : damaged;
  }

  #damageOnce(bytes: Uint8Array, other: Uint8Array): Uint8Array {
    const at = this.below(bytes.byteLength + 1);
    const length = this.below(Math.min(bytes.byteLength - at, 64) + 1);
    switch (this.below(11)) {
      case 0:
        return replaced(bytes, at, 1, [(bytes[at] ?? 0) ^ (1 << this.below(8))]);
      case 1:
        return replaced(bytes, at, 1, [this.pick([0, 1, 0x7f, 0x80, 0xff, this.below(256)])]);
      case 2:
        return bytes.slice(0, at);
      case 3:
        return replaced(bytes, at, length, []);
      case 4:
        return replaced(bytes, at, 0, bytes.slice(at, at + length));
      case 5:
        return replaced(bytes, at, 0, this.bytes(length));
      case 6:
        return replaced(bytes, at, bytes.byteLength, other.subarray(this.below(other.byteLength + 1)));
      case 7:
        return this.#blowUp(bytes, at);
      case 8:
        return replaced(bytes, at, this.random() < 0.5 ? length : 0, this.pick(this.random() < 0.5 ? WORDS : HEADS));
      case 9:
        return replaced(bytes, at, length, other.subarray(at, at + length));
      default:
        return replaced(bytes, at, 0, this.#nest());
    }
  }

  /** Writes a number where a length may stand. */
  #blowUp(bytes: Uint8Array, at: number): Uint8Array {
    const number = new Uint8Array(8);
    const value = BigInt(this.pick(this.random() < 0.5 ? NUMBERS : BIG_NUMBERS));
    const little = this.random() < 0.5;
    new DataView(number.buffer).setBigUint64(0, value, little);
    const size = this.pick([1, 2, 4, 8]);
    return replaced(bytes, at, size, little ? number.subarray(0, size) : number.subarray(8 - size));
  }

  #nest(): Uint8Array {
    const opening = this.pick(OPENINGS);
    const times = this.random() < 0.02 ? 20_000 : 1 + this.below(200);
    const nested = new Uint8Array(Math.min(MAX_BYTES, times * opening.byteLength));
    for (let i = 0; i < nested.byteLength; i++) nested[i] = opening[i % opening.byteLength]!;
    return nested;
  }

  /** A copy in which one value is another, gone, doubled, nested, or has a key it should not have. */
  confuse(value: unknown, other: unknown): unknown {
    if (value instanceof Uint8Array) return this.damage(value, other instanceof Uint8Array ? other : value);
    const root = { value: structuredClone(value) };
    const places: { holder: Record<string, unknown>; key: string }[] = [];
    collect(root, places);
    for (let times = 1 + this.below(3); times > 0; times--) {
      const { holder, key } = this.pick(places);
      holder[key] = this.#confused(holder[key], other);
    }
    return root.value;
  }

  #confused(value: unknown, other: unknown): unknown {
    switch (this.below(7)) {
      case 0:
        return this.pick(this.random() < 0.5 ? NUMBERS : BIG_NUMBERS);
      case 1:
        return other;
      case 2: {
        if (typeof value !== 'string') return typeof value === 'number' ? value.toString() : 'text';
        return this.random() < 0.5 ? value.repeat(1 + this.below(100)) : value.slice(0, this.below(value.length + 1));
      }
      case 3:
        return Array.from({ length: this.pick(typeof value === 'object' ? [1, 2, 17] : [65, 513, 4097]) }, () => value);
      case 4: {
        let nested = value;
        for (let depth = 1 + this.below(40); depth > 0; depth--)
          nested = this.random() < 0.5 ? [nested] : { a: nested };
        return nested;
      }
      case 5: {
        if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value))
          return { [this.pick(KEYS)]: value };
        const copy = Array.isArray(value) ? [...value] : { ...value };
        const key = this.pick(this.random() < 0.5 ? KEYS : [...Object.keys(value), '']);
        if (Array.isArray(copy) && key === 'length') copy.length = this.below(copy.length + 1);
        else if (this.random() < 0.3) delete (copy as Record<string, unknown>)[key];
        else define(copy, key, this.pick(ODDITIES));
        return copy;
      }
      default:
        return this.pick(ODDITIES);
    }
  }
}

/** It does not assign, as `__proto__` would then not become an own key. */
function define(holder: object, key: string, value: unknown): void {
  Object.defineProperty(holder, key, { value, enumerable: true, configurable: true, writable: true });
}

function replaced(bytes: Uint8Array, at: number, gone: number, instead: ArrayLike<number>): Uint8Array {
  const rest = bytes.subarray(Math.min(bytes.byteLength, at + gone));
  const result = new Uint8Array(at + instead.length + rest.byteLength);
  result.set(bytes.subarray(0, at));
  result.set(instead, at);
  result.set(rest, at + instead.length);
  return result;
}

function collect(holder: object, places: { holder: Record<string, unknown>; key: string }[]): void {
  for (const [key, value] of Object.entries(holder)) {
    places.push({ holder: holder as Record<string, unknown>, key });
    if (typeof value === 'object' && value !== null && !ArrayBuffer.isView(value)) collect(value, places);
  }
}
