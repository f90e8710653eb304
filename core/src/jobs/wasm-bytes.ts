/** The binary format of WebAssembly, byte by byte: core specification 2.0, section 5. */
import { MeshError } from '../base/errors.ts';

export class WasmReader {
  readonly bytes: Uint8Array;
  at: number;
  readonly end: number;

  constructor(bytes: Uint8Array, at = 0, end = bytes.byteLength) {
    this.bytes = bytes;
    this.at = at;
    this.end = end;
  }

  get done(): boolean {
    return this.at >= this.end;
  }

  byte(): number {
    if (this.at >= this.end) throw badModule('it ends in the middle');
    return this.bytes[this.at++] ?? 0;
  }

  /** Unsigned LEB128 of 32 bits: at most five bytes. */
  u32(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const next = this.byte();
      value += (next & 0x7f) * 2 ** shift;
      if (next < 0x80) {
        if (value > 0xffff_ffff) break;
        return value;
      }
    }
    throw badModule('a number in it is too long');
  }

  /** Signed LEB128 of at most `bits`; its value matters only where it fits 32 bits. */
  signed(bits: 33 | 64): number {
    let value = 0;
    for (let shift = 0; shift < bits; shift += 7) {
      const next = this.byte();
      value += (next & 0x7f) * 2 ** shift;
      if (next < 0x80) return (next & 0x40) === 0 ? value : value - 2 ** (shift + 7);
    }
    throw badModule('a number in it is too long');
  }

  skip(length: number): void {
    if (length > this.end - this.at) throw badModule('it ends in the middle');
    this.at += length;
  }

  /** The next `length` bytes, as a reader of their own. */
  part(length: number): WasmReader {
    const from = this.at;
    this.skip(length);
    return new WasmReader(this.bytes, from, from + length);
  }

  name(): string {
    const length = this.u32();
    const from = this.at;
    this.skip(length);
    try {
      return new TextDecoder('utf-8', { fatal: true }).decode(this.bytes.subarray(from, this.at));
    } catch {
      // The decoder says only that it failed.
      throw badModule('a name in it is not UTF-8');
    }
  }
}

/** Grows by doubling, so that writing takes time in proportion to what is written. */
export class WasmWriter {
  #bytes = new Uint8Array(1_024);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  byte(...values: number[]): this {
    this.#reserve(values.length);
    for (const value of values) this.#bytes[this.#length++] = value;
    return this;
  }

  u32(value: number): this {
    let rest = value;
    while (rest > 0x7f) {
      this.byte((rest % 0x80) | 0x80);
      rest = Math.floor(rest / 0x80);
    }
    return this.byte(rest);
  }

  /** Signed LEB128, for whole numbers up to 2^53. */
  signed(value: number): this {
    let rest = value;
    for (;;) {
      const low = ((rest % 0x80) + 0x80) % 0x80;
      rest = Math.floor(rest / 0x80);
      if ((rest === 0 && low < 0x40) || (rest === -1 && low >= 0x40)) return this.byte(low);
      this.byte(low | 0x80);
    }
  }

  raw(bytes: Uint8Array): this {
    this.#reserve(bytes.byteLength);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.byteLength;
    return this;
  }

  name(text: string): this {
    const bytes = new TextEncoder().encode(text);
    return this.u32(bytes.byteLength).raw(bytes);
  }

  /** The id, the length and the content of a section. */
  section(id: number, content: WasmWriter): this {
    return this.byte(id).u32(content.length).raw(content.view());
  }

  view(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  #reserve(more: number): void {
    if (this.#length + more <= this.#bytes.byteLength) return;
    const larger = new Uint8Array(Math.max(2 * this.#bytes.byteLength, this.#length + more));
    larger.set(this.view());
    this.#bytes = larger;
  }
}

export function badModule(why: string): MeshError {
  return new MeshError('unsupported', `This module cannot run here: ${why}.`);
}
