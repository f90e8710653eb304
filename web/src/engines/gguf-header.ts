/**
 * The head of a GGUF file (https://github.com/ggml-org/ggml/blob/master/docs/gguf.md, version 2 and 3): enough to say
 * that a file is none, or is cut off, before an engine chokes on it, and to render prompts with the model's own tokens.
 */
import { MeshError } from '@llmesh/core/errors';

const MAGIC = 0x46554747;
/** Large vocabularies make heads of 10 MB; more is no model. */
const MAX_HEADER_BYTES = 134_217_728;
const MAX_ENTRIES = 100_000;
const MAX_DEPTH = 2;
/** Sizes of the fixed types by their number; 8 is a string and 9 an array. */
const TYPE_BYTES = [1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8] as const;
const STRING = 8;
const ARRAY = 9;

export interface GgufHeader {
  architecture: string;
  contextTokens: number | null;
  chatTemplate: string | null;
  /** What the template may print; empty where the model has none. */
  eosText: string;
}

/** Throws model_unreadable when the file is no GGUF or is shorter than its tensors need. */
export async function readGgufHeader(file: Blob): Promise<GgufHeader> {
  let length = Math.min(file.size, 8_388_608);
  for (;;) {
    const bytes = await file.slice(0, length).arrayBuffer();
    try {
      return parse(new DataView(bytes), file.size);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      if (length >= Math.min(file.size, MAX_HEADER_BYTES)) throw unreadable('It ends too early.');
      length = Math.min(file.size, length * 4, MAX_HEADER_BYTES);
    }
  }
}

type Value = string | number | boolean | readonly Value[] | null;

function parse(view: DataView, fileBytes: number): GgufHeader {
  const reader = new Reader(view);
  if (view.byteLength < 24 || reader.u32() !== MAGIC) throw unreadable('It is no GGUF file.');
  const version = reader.u32();
  if (version < 2 || version > 3) throw unreadable(`It is GGUF version ${version}; 2 and 3 are known.`);
  const tensors = reader.count();
  const entries = reader.count();
  const known = new Map<string, Value>();
  for (let i = 0; i < entries; i++) {
    const key = reader.text();
    known.set(key, reader.value(reader.u32(), 0));
  }
  let lastOffset = 0;
  for (let i = 0; i < tensors; i++) {
    reader.text();
    const dimensions = reader.u32();
    if (dimensions > 8) throw unreadable('Its list of tensors is damaged.');
    reader.skip(dimensions * 8 + 4);
    lastOffset = Math.max(lastOffset, reader.u64());
  }
  if (reader.at + lastOffset >= fileBytes) throw unreadable('It is cut off.');

  const architecture = textOf(known.get('general.architecture'));
  const context = known.get(`${architecture}.context_length`);
  const tokens = known.get('tokenizer.ggml.tokens');
  const eos = known.get('tokenizer.ggml.eos_token_id');
  const eosText = Array.isArray(tokens) && typeof eos === 'number' ? textOf(tokens[eos]) : '';
  return {
    architecture,
    contextTokens: typeof context === 'number' ? context : null,
    chatTemplate: textOf(known.get('tokenizer.chat_template')) || null,
    eosText,
  };
}

function textOf(value: Value | undefined): string {
  return typeof value === 'string' ? value : '';
}

function unreadable(what: string): MeshError {
  return new MeshError(
    'model_unreadable',
    `This model file cannot be read. ${what} Remove it and download it again, or choose another model.`,
  );
}

/** Little endian. Reading past the end throws a RangeError: more of the head is needed. */
class Reader {
  at = 0;
  readonly #view: DataView;
  readonly #decoder = new TextDecoder();

  constructor(view: DataView) {
    this.#view = view;
  }

  u32(): number {
    const value = this.#view.getUint32(this.at, true);
    this.at += 4;
    return value;
  }

  u64(): number {
    const value = this.#view.getBigUint64(this.at, true);
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw unreadable('Its numbers are damaged.');
    this.at += 8;
    return Number(value);
  }

  /** Of tensors and of metadata entries: a damaged file must not make us loop for ever. */
  count(): number {
    const count = this.u64();
    if (count > MAX_ENTRIES) throw unreadable('Its head is damaged.');
    return count;
  }

  skip(bytes: number): void {
    this.at += bytes;
    if (this.at > this.#view.byteLength) throw new RangeError('past the end');
  }

  text(): string {
    const length = this.u64();
    if (length > MAX_HEADER_BYTES) throw unreadable('Its texts are damaged.');
    const start = this.at;
    this.skip(length);
    return this.#decoder.decode(new Uint8Array(this.#view.buffer, start, length));
  }

  value(type: number, depth: number): Value {
    if (type === STRING) return this.text();
    if (type === ARRAY) return this.#array(depth);
    const bytes = TYPE_BYTES[type];
    if (bytes === undefined) throw unreadable('Its metadata are damaged.');
    // Integers of up to 32 bits are all that is asked for.
    const value = type === 4 || type === 5 ? this.#view.getUint32(this.at, true) : null;
    this.skip(bytes);
    return value;
  }

  #array(depth: number): readonly Value[] | null {
    if (depth >= MAX_DEPTH) throw unreadable('Its metadata are damaged.');
    const type = this.u32();
    const length = this.u64();
    const bytes = TYPE_BYTES[type];
    if (bytes === undefined || length > MAX_HEADER_BYTES) throw unreadable('Its metadata are damaged.');
    if (bytes > 0) {
      this.skip(bytes * length);
      return null;
    }
    const values: Value[] = [];
    for (let i = 0; i < length; i++) values.push(this.value(type, depth + 1));
    return values;
  }
}
