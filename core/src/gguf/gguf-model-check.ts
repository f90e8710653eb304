/**
 * Whether a model claims only what a model can be. Otherwise llama.cpp ends the process, divides by zero, or reads behind a
 * list, and it plans for as many layers as it is told.
 */
import { GGUF_TYPES, GgufFault, type GgufField } from './gguf-reader.ts';
import type { GgufTensor } from './gguf-tensor.ts';

export interface GgufModelHead {
  architecture: string;
  fields: ReadonlyMap<string, GgufField>;
  tensors: readonly GgufTensor[];
}

/** The range of numbers whose keys follow "architecture.": llama.cpp's own limits, or far above any model. */
const RANGES: Readonly<Record<string, readonly [least: number, most: number]>> = {
  context_length: [1, 2 ** 28],
  embedding_length: [1, 2 ** 20],
  block_count: [1, 1_024],
  feed_forward_length: [0, 2 ** 24],
  expert_count: [0, 4_096],
  expert_used_count: [0, 4_096],
  vocab_size: [1, 2 ** 22],
  'attention.head_count': [0, 65_536],
  'attention.head_count_kv': [0, 65_536],
  'attention.key_length': [0, 65_536],
  'attention.value_length': [0, 65_536],
  'rope.dimension_count': [0, 65_536],
};
/** The bound for any other whole number. */
const MAX_NUMBER = 2 ** 31 - 1;
/** Four times the largest vocabulary. */
const MAX_WORDS = 2 ** 20;
const ARCHITECTURE = /^(?!constructor$|prototype$)[A-Za-z0-9][\w.-]{0,63}$/;
/** At 50 GB each, these are more than any model has. */
export const MAX_PARTS = 256;
const INTEGERS: ReadonlySet<number> = new Set([0, 1, 2, 3, 4, 5, 10, 11]);
/** The types that llama.cpp takes for granted, key by key. */
const TYPES: Readonly<Record<string, readonly number[]>> = {
  'general.architecture': [GGUF_TYPES.text],
  'general.type': [GGUF_TYPES.text],
  'tokenizer.chat_template': [GGUF_TYPES.text],
  'tokenizer.ggml.model': [GGUF_TYPES.text],
  'tokenizer.ggml.pre': [GGUF_TYPES.text],
  'split.no': [GGUF_TYPES.uint16],
  'split.count': [GGUF_TYPES.uint16],
  'split.tensors.count': [GGUF_TYPES.int32],
};
/** The same for lists. */
const LIST_TYPES: Readonly<Record<string, readonly number[]>> = {
  'tokenizer.ggml.tokens': [GGUF_TYPES.text],
  'tokenizer.ggml.merges': [GGUF_TYPES.text],
  'tokenizer.ggml.scores': [GGUF_TYPES.float32],
  'tokenizer.ggml.token_type': [GGUF_TYPES.int32, GGUF_TYPES.uint32],
  'tokenizer.ggml.precompiled_charsmap': [GGUF_TYPES.uint8, GGUF_TYPES.int8],
};
/** Lists with one entry for each token: llama.cpp reads as many. */
const FOR_EACH_TOKEN = ['tokenizer.ggml.scores', 'tokenizer.ggml.token_type'];

/** Throws model_unreadable. */
export function checkModel(head: GgufModelHead): void {
  checkTypes(head.fields);
  checkNumbers(head);
  checkVocabulary(head);
  const { value: parts } = head.fields.get('split.count') ?? { value: 1 };
  if (!isWithin(parts, 0, MAX_PARTS)) throw new GgufFault('It claims to have more parts than a model can have.');
}

function checkTypes(fields: ReadonlyMap<string, GgufField>): void {
  for (const [key, types] of Object.entries(TYPES)) {
    const field = fields.get(key);
    if (field !== undefined && !types.includes(field.type)) throw new GgufFault(`Its ${key} is damaged.`);
  }
  for (const [key, types] of Object.entries(LIST_TYPES)) {
    const field = fields.get(key);
    if (field !== undefined && (field.list === null || !types.includes(field.list.type))) {
      throw new GgufFault(`Its ${key} is damaged.`);
    }
  }
}

function checkNumbers({ architecture, fields }: GgufModelHead): void {
  // Later parts of a model have no architecture.
  if (architecture === '') return;
  if (!ARCHITECTURE.test(architecture)) throw new GgufFault('Its general.architecture is damaged.');
  const own = `${architecture}.`;
  for (const [key, { type, value, list }] of fields) {
    if (!key.startsWith(own) || !INTEGERS.has(list?.type ?? type)) continue;
    const [least, most] = RANGES[key.slice(own.length)] ?? [-MAX_NUMBER, MAX_NUMBER];
    // A list has one for each layer, and layers without one have 0.
    const fits = list === null ? isWithin(value, least, most) : list.numbers?.every((n) => isWithin(n, 0, most));
    if (fits !== true) throw new GgufFault(`Its ${key} is not a number that a model can have.`);
  }
}

function checkVocabulary({ fields, tensors }: GgufModelHead): void {
  const words = fields.get('tokenizer.ggml.tokens')?.list?.words ?? null;
  if (words === null) return;
  if (words.length > MAX_WORDS) throw new GgufFault('Its vocabulary is damaged.');
  for (const key of FOR_EACH_TOKEN) {
    const list = fields.get(key)?.list ?? null;
    if (list !== null && list.length < words.length) throw new GgufFault('Its vocabulary is damaged.');
  }
  const known = new Set<string>();
  for (const word of words) {
    // llama.cpp names nameless tensors itself, and ends the process where another one has the same name.
    if (word !== '' && known.has(word)) throw new GgufFault('Its vocabulary has the same word twice.');
    known.add(word);
  }
  const embedding = tensors.find(({ name }) => name === 'token_embd.weight')?.dimensions;
  if (embedding !== undefined && (embedding[1] ?? 1) !== words.length) {
    throw new GgufFault('Its vocabulary does not fit its weights.');
  }
}

function isWithin(value: GgufField['value'], least: number, most: number): boolean {
  return typeof value === 'number' && value >= least && value <= most;
}
