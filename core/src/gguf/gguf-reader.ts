/**
 * Reads the values in the head of a GGUF file, https://github.com/ggml-org/ggml/blob/master/docs/gguf.md. Each limit is
 * checked before the work that a count or a length asks for.
 */
import { MeshError } from '../base/errors.ts';

/** The types of values, by their number in the file. */
export const GGUF_TYPES = {
  uint8: 0,
  int8: 1,
  uint16: 2,
  int16: 3,
  uint32: 4,
  int32: 5,
  float32: 6,
  bool: 7,
  text: 8,
  list: 9,
  uint64: 10,
  int64: 11,
  float64: 12,
} as const;
const MAGIC = 0x46554747;
/** The sizes by type; texts and lists give their own. */
const TYPE_BYTES: readonly number[] = [1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8];
/** Some files carry a whole tokenizer as one text. */
const MAX_TEXT_BYTES = 33_554_432;
/** The longest word of a vocabulary. */
const MAX_WORD_BYTES = 65_536;
/** The most items of all lists together: three for each of 260,000 words, and twice as many merges, make 1,500,000. */
const MAX_ITEMS = 4_194_304;
/** Lists of numbers are kept up to this length: one for each layer. */
const MAX_KEPT_NUMBERS = 4_096;
/** Shorter ones are put together faster than a decoder is called. */
const SHORT_WORD = 16;

export interface GgufField {
  /** One of GGUF_TYPES. */
  type: number;
  /** Null: it is a list. Numbers of more than 53 bits are rounded. */
  value: string | number | boolean | null;
  /** Null: it is one value. */
  list: GgufList | null;
}

export interface GgufList {
  /** The type of each item. */
  type: number;
  length: number;
  /** The texts as byte strings, a character for each byte. Null: they are not kept. */
  words: readonly string[] | null;
  /** Null: they are not kept. */
  numbers: readonly number[] | null;
}

/** More of the head is needed. */
export class PastTheEnd extends Error {}

/** The file is not a GGUF, is damaged, or is made to do harm. */
export class GgufFault extends MeshError {
  /** A sentence about the fault. */
  readonly what: string;

  constructor(what: string) {
    super(
      'model_unreadable',
      `This model file cannot be read. ${what} Remove it and download it again, or choose another model.`,
    );
    this.what = what;
  }
}

/** Reads little-endian values. All methods throw PastTheEnd and model_unreadable. */
export class GgufReader {
  at = 0;
  #items = 0;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #utf8 = new TextDecoder();
  /** Makes one character of each byte. */
  readonly #latin1 = new TextDecoder('latin1');
  readonly #kept: ReadonlySet<string>;

  /** `kept`: the keys of the lists of texts that are kept. */
  constructor(bytes: Uint8Array, kept: ReadonlySet<string>) {
    this.#bytes = bytes;
    this.#kept = kept;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** To be called at the beginning. */
  isGguf(): boolean {
    return this.#bytes.byteLength >= 24 && this.u32() === MAGIC;
  }

  u32(): number {
    return this.#view.getUint32(this.#skip(4), true);
  }

  u64(): number {
    const at = this.#skip(8);
    const high = this.#view.getUint32(at + 4, true);
    if (high >= 2 ** 21) throw new GgufFault('Its numbers are damaged.');
    return high * 2 ** 32 + this.#view.getUint32(at, true);
  }

  /** Reads the number of things that follow. */
  count(most: number): number {
    return atMost(this.u64(), most);
  }

  text(mostBytes: number): string {
    const length = this.count(mostBytes);
    const start = this.#skip(length);
    return this.#utf8.decode(this.#bytes.subarray(start, start + length));
  }

  /** Reads what follows the key. */
  field(key: string): GgufField {
    const type = this.u32();
    if (type === GGUF_TYPES.list) return { type, value: null, list: this.#list(this.#kept.has(key)) };
    return { type, value: type === GGUF_TYPES.text ? this.text(MAX_TEXT_BYTES) : this.#fixed(type), list: null };
  }

  /** llama.cpp reads no lists of lists. */
  #list(keepsWords: boolean): GgufList {
    const type = this.u32();
    const length = this.count(MAX_ITEMS);
    this.#items += length;
    if (this.#items > MAX_ITEMS) throw new GgufFault('Its metadata is damaged.');
    if (type === GGUF_TYPES.text) {
      const words: string[] = [];
      for (let i = 0; i < length; i++) {
        const word = this.#word(keepsWords);
        if (keepsWords) words.push(word);
      }
      return { type, length, words: keepsWords ? words : null, numbers: null };
    }
    if (length <= MAX_KEPT_NUMBERS) {
      const numbers = Array.from({ length }, () => Number(this.#fixed(type)));
      return { type, length, words: null, numbers };
    }
    this.#skip(bytesOf(type) * length);
    return { type, length, words: null, numbers: null };
  }

  #word(keeps: boolean): string {
    const length = this.count(MAX_WORD_BYTES);
    const start = this.#skip(length);
    if (!keeps) return '';
    if (length > SHORT_WORD) return this.#latin1.decode(this.#bytes.subarray(start, start + length));
    let word = '';
    for (let i = start; i < start + length; i++) word += String.fromCharCode(this.#bytes[i] ?? 0);
    return word;
  }

  #fixed(type: number): number | boolean {
    const at = this.#skip(bytesOf(type));
    const view = this.#view;
    switch (type) {
      case GGUF_TYPES.uint8:
        return view.getUint8(at);
      case GGUF_TYPES.int8:
        return view.getInt8(at);
      case GGUF_TYPES.uint16:
        return view.getUint16(at, true);
      case GGUF_TYPES.int16:
        return view.getInt16(at, true);
      case GGUF_TYPES.uint32:
        return view.getUint32(at, true);
      case GGUF_TYPES.int32:
        return view.getInt32(at, true);
      case GGUF_TYPES.float32:
        return view.getFloat32(at, true);
      case GGUF_TYPES.bool:
        return view.getUint8(at) !== 0;
      case GGUF_TYPES.uint64:
        return Number(view.getBigUint64(at, true));
      case GGUF_TYPES.int64:
        return Number(view.getBigInt64(at, true));
      default:
        return view.getFloat64(at, true);
    }
  }

  /** Skips these bytes, and returns where they begin. */
  #skip(bytes: number): number {
    const start = this.at;
    if (start + bytes > this.#bytes.byteLength) throw new PastTheEnd();
    this.at = start + bytes;
    return start;
  }
}

function bytesOf(type: number): number {
  const bytes = TYPE_BYTES[type] ?? 0;
  if (bytes === 0) throw new GgufFault('Its metadata is damaged.');
  return bytes;
}

function atMost(count: number, most: number): number {
  if (count > most) throw new GgufFault('Its header is damaged.');
  return count;
}
