/**
 * Reads MessagePack in the one form that `canonical` writes, and nothing else: the shortest head for each value, no maps
 * and no extensions. What it reads would be written with the same bytes again, so nobody has to write it to find out.
 */
/** The longest text, in bytes of UTF-8; the longest bytes; the most items of one list. */
const MAX_TEXT = 65_536 * 3;
const MAX_BYTES = 8_192;
const MAX_ITEMS = 4_096;
/** Lists in lists, without what is in them. */
const MAX_LISTS = 3;
/** Texts of so many characters are put together here: to call the decoder takes longer. Longer ones would be a chain of as many objects. */
const SHORT_TEXT = 16;
const TWO_32 = 2 ** 32;
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

export type CanonicalValue = null | boolean | number | string | Uint8Array | readonly CanonicalValue[];

/** Undefined: these bytes are not one value in canonical form. Bytes in it are windows on `bytes`. */
export function readCanonicalValue(bytes: Uint8Array): CanonicalValue | undefined {
  const reader = new CanonicalReader(bytes);
  const value = reader.value(0);
  return reader.isAtEnd ? value : undefined;
}

class CanonicalReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get isAtEnd(): boolean {
    return this.#at === this.#bytes.byteLength;
  }

  /** `lists`: in how many lists it lies. */
  value(lists: number): CanonicalValue | undefined {
    const head = this.#uint(1);
    if (head < 0x80) return head;
    if (head >= 0xe0) return head - 0x100;
    if (head >= 0xa0 && head < 0xc0) return this.#text(head & 0x1f, 0);
    if (head >= 0x90 && head < 0xa0) return this.#list(head & 0x0f, 0, lists);
    return this.#long(head, lists);
  }

  #long(head: number, lists: number): CanonicalValue | undefined {
    switch (head) {
      case 0xc0:
        return null;
      case 0xc2:
        return false;
      case 0xc3:
        return true;
      case 0xc4:
        return this.#binary(this.#uint(1), 0);
      case 0xc5:
        return this.#binary(this.#uint(2), 0x100);
      case 0xcb:
        return this.#float();
      case 0xcc:
        return atLeast(0x80, this.#uint(1));
      case 0xcd:
        return atLeast(0x100, this.#uint(2));
      case 0xce:
        return atLeast(0x1_0000, this.#uint(4));
      case 0xcf:
        return atLeast(TWO_32, this.#uint(4) * TWO_32 + this.#uint(4));
      case 0xd0:
      case 0xd1:
      case 0xd2:
      case 0xd3:
        return this.#negative(head);
      case 0xd9:
        return this.#text(this.#uint(1), 0x20);
      case 0xda:
        return this.#text(this.#uint(2), 0x100);
      case 0xdb:
        return this.#text(this.#uint(4), 0x1_0000);
      case 0xdc:
        return this.#list(this.#uint(2), 0x10, lists);
      default:
        return undefined;
    }
  }

  /** NaN, which no comparison likes: there are too few bytes. */
  #uint(size: 1 | 2 | 4): number {
    const at = this.#at;
    this.#at += size;
    if (this.#at > this.#bytes.byteLength) return Number.NaN;
    if (size === 1) return this.#bytes[at]!;
    return size === 2 ? this.#view.getUint16(at) : this.#view.getUint32(at);
  }

  #negative(head: number): number | undefined {
    const size = 2 ** (head - 0xd0);
    const at = this.#at;
    this.#at += size;
    if (this.#at > this.#bytes.byteLength) return undefined;
    if (head === 0xd0) return below(-0x20, this.#view.getInt8(at));
    if (head === 0xd1) return below(-0x80, this.#view.getInt16(at));
    if (head === 0xd2) return below(-0x8000, this.#view.getInt32(at));
    return below(-0x8000_0000, this.#view.getInt32(at) * TWO_32 + this.#view.getUint32(at + 4));
  }

  #float(): number | undefined {
    const at = this.#at;
    this.#at += 8;
    if (this.#at > this.#bytes.byteLength) return undefined;
    const value = this.#view.getFloat64(at);
    // Whole numbers are written as such. There are many ways to write what is no number.
    return Number.isSafeInteger(value) || Number.isNaN(value) ? undefined : value;
  }

  /** `least`: what is shorter has a shorter head. */
  #binary(length: number, least: number): Uint8Array | undefined {
    return length >= least && length <= MAX_BYTES ? this.#take(length) : undefined;
  }

  #text(length: number, least: number): string | undefined {
    const bytes = length >= least && length <= MAX_TEXT ? this.#take(length) : undefined;
    if (bytes === undefined) return undefined;
    let text = '';
    if (length <= SHORT_TEXT) {
      for (let i = 0; i < length; i++) {
        const byte = bytes[i]!;
        if (byte >= 0x80) return decoded(bytes);
        text += String.fromCharCode(byte);
      }
      return text;
    }
    return decoded(bytes);
  }

  #list(length: number, least: number, lists: number): CanonicalValue[] | undefined {
    if (!(length >= least && length <= MAX_ITEMS) || (length > 0 && lists === MAX_LISTS)) return undefined;
    // Each item takes a byte at least: nobody makes room for more than there is.
    if (length > this.#bytes.byteLength - this.#at) return undefined;
    const items: CanonicalValue[] = [];
    for (let i = 0; i < length; i++) {
      const item = this.value(lists + 1);
      if (item === undefined) return undefined;
      items.push(item);
    }
    return items;
  }

  #take(length: number): Uint8Array | undefined {
    const from = this.#at;
    this.#at += length;
    return this.#at <= this.#bytes.byteLength ? this.#bytes.subarray(from, this.#at) : undefined;
  }
}

function atLeast(least: number, value: number): number | undefined {
  return value >= least && value <= Number.MAX_SAFE_INTEGER ? value : undefined;
}

function below(limit: number, value: number): number | undefined {
  return value < limit && value >= Number.MIN_SAFE_INTEGER ? value : undefined;
}

function decoded(bytes: Uint8Array): string | undefined {
  try {
    return utf8.decode(bytes);
  } catch {
    // Bytes that are no UTF-8 are in no canonical form.
    return undefined;
  }
}
