/**
 * A model for a compiled library of web-llm that somebody has: the library names its parameters and their shapes, and the
 * weights are made. It writes nonsense, always the same, with the kernels that the real model has.
 */
import { createHash } from 'node:crypto';

interface Parameter {
  name: string;
  shape: number[];
  dtype: keyof typeof BYTES_OF;
}

/** `_metadata` of a library that MLC compiled, as far as it is needed here. */
interface Metadata {
  params: Parameter[];
  context_window_size?: number;
  sliding_window_size?: number;
  attention_sink_size?: number;
  prefill_chunk_size?: number;
  model_type?: string;
  quantization?: string;
}

const SHARD_BYTES = 33_554_432;
const MAX_BEFORE = 65_536;
const MAX_METADATA = 4_194_304;
/** Small, so that nothing overflows on its way through the layers. */
const SCALE = 0.02;
const BYTES_OF = {
  float32: 4,
  float16: 2,
  uint32: 4,
  int32: 4,
  uint16: 2,
  int8: 1,
  uint8: 1,
} as const;
/** One as a half-precision number. */
const HALF_ONE = 0x3c00;

/** The model's files by name, `mlc-chat-config.json` and the shards among them. Throws when the library does not say enough. */
export function madeModel(library: Buffer): Record<string, Buffer> {
  const metadata = metadataOf(library);
  const vocabularySize = vocabularyOf(metadata);
  const shards = shardsOf(metadata.params);
  const { params: _params, ...sizes } = metadata;
  const usual = {
    context_window_size: 4096,
    sliding_window_size: -1,
    attention_sink_size: -1,
    prefill_chunk_size: 1024,
  };
  return {
    'mlc-chat-config.json': json({
      model_type: 'llama',
      quantization: '',
      ...usual,
      ...sizes,
      version: '0.1.0',
      model_config: {},
      vocab_size: vocabularySize,
      tensor_parallel_shards: 1,
      temperature: 1,
      top_p: 1,
      presence_penalty: 0,
      frequency_penalty: 0,
      repetition_penalty: 1,
      tokenizer_files: ['tokenizer.json'],
      tokenizer_info: { token_postproc_method: 'byte_level', prepend_space_in_encode: false },
      conv_template: {
        name: 'made',
        system_template: '{system_message}',
        system_message: '',
        roles: { user: 'u', assistant: 'a', tool: 't' },
        role_templates: { user: '{user_message}', assistant: '{assistant_message}', tool: '{tool_message}' },
        messages: [],
        seps: ['\n'],
        role_content_sep: ':',
        role_empty_sep: ':',
        stop_str: [],
        stop_token_ids: [],
        function_string: '',
        use_function_calling: false,
      },
      pad_token_id: 0,
      bos_token_id: 0,
      eos_token_id: 0,
    }),
    'tokenizer.json': tokenizer(vocabularySize),
    'tensor-cache.json': json({ metadata: { ParamSize: metadata.params.length }, records: shards.map(recordOf) }),
    ...Object.fromEntries(shards.map((shard) => [shard.name, Buffer.concat(shard.parameters.map(weights))])),
  };
}

/** Compiled libraries carry it as a text, in UTF-8 or, from some compilers, in UTF-16. */
export function metadataOf(library: Buffer): Metadata {
  for (const encoding of ['utf8', 'utf16le'] as const) {
    const key = Buffer.from('"params"', encoding);
    for (let at = library.indexOf(key); at !== -1; at = library.indexOf(key, at + 1)) {
      const found = objectAround(library, at, encoding);
      if (isMetadata(found)) return found;
    }
  }
  throw new Error('This library does not say which parameters of which shapes it takes. Was it compiled by MLC?');
}

function isMetadata(found: unknown): found is Metadata {
  const { params } = (found ?? {}) as Partial<Metadata>;
  return Array.isArray(params) && params.length > 0 && params.every(isParameter);
}

function isParameter(found: unknown): found is Parameter {
  const { name, shape, dtype } = (found ?? {}) as Partial<Parameter>;
  const sized = Array.isArray(shape) && shape.every((size) => Number.isInteger(size) && size > 0);
  return typeof name === 'string' && sized && dtype !== undefined && Object.hasOwn(BYTES_OF, dtype);
}

/** The smallest JSON object that begins before `at` and has it in its outermost level; null: there is none. */
function objectAround(library: Buffer, at: number, encoding: 'utf8' | 'utf16le'): object | null {
  const brace = Buffer.from('{', encoding);
  let from = library.lastIndexOf(brace, at);
  // A library has code before it.
  while (from > 0 && at - from < MAX_BEFORE) {
    const text = library.subarray(from, from + MAX_METADATA).toString(encoding);
    const object = parsed(text.slice(0, endOf(text)));
    if (object !== null && 'params' in object) return object;
    from = library.lastIndexOf(brace, from - 1);
  }
  return null;
}

/** Behind the bracket that closes the first one: there are none in the texts of this metadata. */
function endOf(text: string): number {
  let depth = 0;
  for (let i = 0; i < text.length; i++) {
    if (text[i] === '{') depth += 1;
    if (text[i] === '}') depth -= 1;
    if (depth === 0) return i + 1;
  }
  return 0;
}

function parsed(text: string): object | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' ? value : null;
  } catch {
    // Another bracket that happens to stand before it.
    return null;
  }
}

/** The embedding has a row for each token. */
function vocabularyOf({ params }: Metadata): number {
  const embedding = params.find(({ name }) => /embed|wte/.test(name)) ?? params[0];
  return Math.max(embedding?.shape[0] ?? 0, 258);
}

interface Shard {
  name: string;
  parameters: Parameter[];
}

function shardsOf(parameters: readonly Parameter[]): Shard[] {
  const shards: Shard[] = [];
  let bytes = Infinity;
  for (const parameter of parameters) {
    if (bytes + bytesOf(parameter) > SHARD_BYTES) {
      shards.push({ name: `params_shard_${shards.length}.bin`, parameters: [] });
      bytes = 0;
    }
    shards.at(-1)?.parameters.push(parameter);
    bytes += bytesOf(parameter);
  }
  return shards;
}

function recordOf({ name, parameters }: Shard) {
  let byteOffset = 0;
  const records = parameters.map(({ name: parameter, shape, dtype }) => {
    const nbytes = bytesOf({ name: parameter, shape, dtype });
    const record = { name: parameter, shape, dtype, format: 'raw', nbytes, byteOffset };
    byteOffset += nbytes;
    return record;
  });
  return { dataPath: name, format: 'raw-shard', nbytes: byteOffset, records };
}

function bytesOf({ shape, dtype }: Parameter): number {
  return shape.reduce((product, size) => product * size, BYTES_OF[dtype]);
}

/** The same for the same parameter, on every computer. */
function weights(parameter: Parameter): Buffer {
  const bytes = Buffer.alloc(bytesOf(parameter));
  const isNorm = /norm|ln_/.test(parameter.name);
  let state = createHash('sha256').update(parameter.name).digest().readUInt32LE() | 1;
  const random = () => {
    // xorshift32
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
  switch (parameter.dtype) {
    case 'float32':
      for (let i = 0; i < bytes.length; i += 4) {
        bytes.writeFloatLE(isNorm ? 1 : (random() / 2 ** 31 - 1) * SCALE, i);
      }
      break;
    case 'float16':
      // Exponents of 2^-7 and 2^-6, either sign.
      for (let i = 0; i < bytes.length; i += 2) {
        bytes.writeUInt16LE(isNorm ? HALF_ONE : 0x2000 | (random() & 0x87ff), i);
      }
      break;
    default:
      for (let i = 0; i < bytes.length; i++) bytes[i] = random() >>> 24;
  }
  return bytes;
}

/** Bytes are tokens of their own, so that any text can be read; each other id has a name that can be seen. */
function tokenizer(size: number): Buffer {
  const vocabulary: Record<string, number> = {};
  for (let byte = 0; byte < 256; byte++) vocabulary[byteSign(byte)] = byte;
  for (let id = 256; id < size; id++) vocabulary[`[${id}]`] = id;
  const level = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: false, use_regex: false };
  return json({
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: [],
    normalizer: null,
    pre_tokenizer: level,
    post_processor: null,
    decoder: level,
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: null,
      fuse_unk: false,
      byte_fallback: false,
      vocab: vocabulary,
      merges: [],
    },
  });
}

/** GPT-2's alphabet: bytes that cannot be seen have signs from 256 on. */
function byteSign(byte: number): string {
  const seen = (one: number) => (one > 32 && one < 127) || (one > 160 && one !== 173);
  if (seen(byte)) return String.fromCodePoint(byte);
  let hidden = 0;
  for (let one = 0; one < byte; one++) if (!seen(one)) hidden += 1;
  return String.fromCodePoint(256 + hidden);
}

function json(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value));
}
