/**
 * Reads the head of a GGUF file (https://github.com/ggml-org/ggml/blob/master/docs/gguf.md, version 2 and 3). The file may
 * come from anywhere, and llama.cpp trusts it: it reserves what a count says, walks through endless lists, and ends the
 * process at the unexpected. So we read the head first, everywhere, and check each limit before the work.
 */
import { checkModel } from './gguf-model-check.ts';
import { GGUF_TYPES, GgufFault, GgufReader, PastTheEnd, type GgufField } from './gguf-reader.ts';
import { tensorBytes, type GgufTensor } from './gguf-tensor.ts';

/** Vocabularies of 260,000 words make heads of 20 MB; no model has more. */
export const MAX_HEADER_BYTES = 67_108_864;
/** How much is read first: enough for most heads. */
const FIRST_BYTES = 16_777_216;
/** Models have fewer than a hundred fields. llama.cpp compares each with each. */
const MAX_FIELDS = 4_096;
/** Enough tensors for models of a thousand layers. llama.cpp compares each with each. */
const MAX_TENSORS = 16_384;
const MAX_KEY_BYTES = 256;
/** llama.cpp's limit, which includes the zero at the end. */
const MAX_TENSOR_NAME_BYTES = 63;
const MAX_DIMENSIONS = 4;
const MAX_ALIGNMENT = 65_536;
const DEFAULT_ALIGNMENT = 32;
/** Names that would reach prototypes where code makes objects of them. */
const NO_KEY = /(?:^|\.)(?:__proto__|constructor|prototype)(?:\.|$)/;
const MAX_KEY_DEPTH = 16;
/** The one list of texts that everyone needs. */
const WORDS: ReadonlySet<string> = new Set(['tokenizer.ggml.tokens']);

/** The file, or as much of its beginning as there is. */
export interface GgufSource {
  /** The size of the whole file. */
  sizeBytes: number;
  /** Reads its first `length` bytes; `length` is at most `sizeBytes`. */
  head(length: number): Promise<Uint8Array>;
}

export interface GgufHeader {
  architecture: string;
  contextTokens: number | null;
  chatTemplate: string | null;
  /** Texts that the template may print; empty where the model has none. */
  eosText: string;
  fields: ReadonlyMap<string, GgufField>;
  tensors: readonly GgufTensor[];
}

/**
 * Throws model_unreadable when the file is not a GGUF, is shorter than its tensors need, or is made to do harm.
 * `kept`: the keys of the lists whose texts the caller wants to read.
 */
export async function readGgufHeader(source: GgufSource, kept = WORDS): Promise<GgufHeader> {
  const most = Math.min(source.sizeBytes, MAX_HEADER_BYTES);
  for (let length = Math.min(most, FIRST_BYTES); ; length = Math.min(most, length * 4)) {
    try {
      return parse(new GgufReader(await source.head(length), kept), source.sizeBytes);
    } catch (error) {
      if (!(error instanceof PastTheEnd)) throw error;
      if (length >= most) throw new GgufFault('It ends too early.');
    }
  }
}

function parse(reader: GgufReader, fileBytes: number): GgufHeader {
  if (!reader.isGguf()) throw new GgufFault('It is not a GGUF file.');
  const version = reader.u32();
  if (version < 2 || version > 3) throw new GgufFault(`It is GGUF version ${version}; 2 and 3 are known.`);
  const tensorCount = reader.count(MAX_TENSORS);
  const fieldCount = reader.count(MAX_FIELDS);
  const fields = readFields(reader, fieldCount);
  const tensors = readTensors(reader, tensorCount, { alignment: alignmentOf(fields), fileBytes });
  const text = (key: string) => asText(fields.get(key)?.value);
  const architecture = text('general.architecture');
  const context = fields.get(`${architecture}.context_length`)?.value;
  const eos = fields.get('tokenizer.ggml.eos_token_id')?.value;
  const tokens = fields.get('tokenizer.ggml.tokens')?.list?.words ?? [];
  const header = {
    architecture,
    contextTokens: typeof context === 'number' ? context : null,
    chatTemplate: text('tokenizer.chat_template') || null,
    eosText: typeof eos === 'number' ? unicode(tokens[eos] ?? '') : '',
    fields,
    tensors,
  };
  checkModel(header);
  return header;
}

function readFields(reader: GgufReader, count: number): Map<string, GgufField> {
  const fields = new Map<string, GgufField>();
  for (let i = 0; i < count; i++) {
    const key = reader.text(MAX_KEY_BYTES);
    if (fields.has(key) || NO_KEY.test(key) || key.split('.').length > MAX_KEY_DEPTH) {
      throw new GgufFault('Its metadata is damaged.');
    }
    fields.set(key, reader.field(key));
  }
  return fields;
}

/** llama.cpp ends the process at another kind of number here. */
function alignmentOf(fields: ReadonlyMap<string, GgufField>): number {
  const field = fields.get('general.alignment');
  if (field === undefined) return DEFAULT_ALIGNMENT;
  const { type, value } = field;
  if (type !== GGUF_TYPES.uint32 || typeof value !== 'number' || value > MAX_ALIGNMENT || !isPowerOfTwo(value)) {
    throw new GgufFault('Its metadata is damaged.');
  }
  return value;
}

function readTensors(
  reader: GgufReader,
  count: number,
  { alignment, fileBytes }: { alignment: number; fileBytes: number },
): GgufTensor[] {
  const names = new Set<string>();
  const tensors: (Omit<GgufTensor, 'start'> & { offset: number })[] = [];
  let dataBytes = 0;
  for (let i = 0; i < count; i++) {
    const name = reader.text(MAX_TENSOR_NAME_BYTES);
    const dimensions = Array.from({ length: dimensionsOf(reader) }, () => reader.u64());
    const type = reader.u32();
    const offset = reader.u64();
    const bytes = tensorBytes(type, dimensions);
    if (names.has(name) || bytes === null || offset % alignment !== 0)
      throw new GgufFault('Its list of tensors is damaged.');
    names.add(name);
    tensors.push({ name, dimensions, type, offset });
    dataBytes = Math.max(dataBytes, offset + bytes);
  }
  const dataStart = Math.ceil(reader.at / alignment) * alignment;
  if (count > 0 && dataStart + dataBytes > fileBytes) throw new GgufFault('It is cut off.');
  return tensors.map(({ offset, ...tensor }) => ({ ...tensor, start: dataStart + offset }));
}

function dimensionsOf(reader: GgufReader): number {
  const dimensions = reader.u32();
  if (dimensions > MAX_DIMENSIONS) throw new GgufFault('Its list of tensors is damaged.');
  return dimensions;
}

function isPowerOfTwo(n: number): boolean {
  return n > 0 && Number.isInteger(Math.log2(n));
}

function asText(value: GgufField['value'] | undefined): string {
  return typeof value === 'string' ? value : '';
}

/** The text of a byte string, as lists keep them. */
export function unicode(bytes: string): string {
  return new TextDecoder().decode(Uint8Array.from(bytes, (character) => character.charCodeAt(0)));
}
