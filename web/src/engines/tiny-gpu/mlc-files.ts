/**
 * The files that web-llm loads, made of a GGUF: a description of the chat, a tokenizer, and the weights with their list. They hold
 * what the GGUF holds, so the model is fetched and checked once, whichever engine runs it.
 */
import { unicode, type GgufHeader } from '@llmesh/core/gguf/gguf-header';
import { MeshError } from '@llmesh/core/base/errors';
import { stackOf, type Matrix } from './q8-stack.ts';
import { TINY_SHAPE, turns } from './tiny-shape.ts';

export const KEPT_LISTS: ReadonlySet<string> = new Set(['tokenizer.ggml.tokens', 'tokenizer.ggml.merges']);
export const SHARD = 'params_shard_0.bin';
/** llama.cpp's mark of a token that is no text. */
const CONTROL = 3;
const CHATML = {
  name: 'chatml',
  system_template: '<|im_start|>system\n{system_message}<|im_end|>\n',
  system_message: '',
  render_empty_system_message: false,
  roles: { user: '<|im_start|>user', assistant: '<|im_start|>assistant', tool: '<|im_start|>tool' },
  role_templates: { user: '{user_message}', assistant: '{assistant_message}', tool: '{tool_message}' },
  messages: [],
  seps: ['<|im_end|>\n'],
  role_content_sep: '\n',
  role_empty_sep: '\n',
  stop_str: [],
};

/** By their names in the model's folder. `bytes`: the whole GGUF. Throws model_unreadable. */
export function mlcFilesOf(header: GgufHeader, bytes: Uint8Array): Record<string, string | Uint8Array<ArrayBuffer>> {
  const { records, shard } = weightsOf(header, bytes);
  const list = { dataPath: SHARD, format: 'raw-shard', nbytes: shard.byteLength, records };
  return {
    'mlc-chat-config.json': JSON.stringify(chatOf(header)),
    'tokenizer.json': JSON.stringify(tokenizerOf(header)),
    'tensor-cache.json': JSON.stringify({ metadata: { ParamSize: records.length }, records: [list] }),
    [SHARD]: shard,
  };
}

function chatOf({ fields }: GgufHeader): object {
  const id = (name: string) => fields.get(`tokenizer.ggml.${name}_token_id`)?.value;
  return {
    model_type: 'llama',
    quantization: 'q8_0',
    vocab_size: TINY_SHAPE.vocabulary,
    context_window_size: TINY_SHAPE.context,
    sliding_window_size: -1,
    attention_sink_size: -1,
    temperature: 1,
    top_p: 1,
    presence_penalty: 0,
    frequency_penalty: 0,
    repetition_penalty: 1,
    tokenizer_files: ['tokenizer.json'],
    tokenizer_info: {
      token_postproc_method: 'byte_level',
      prepend_space_in_encode: false,
      strip_space_in_decode: false,
    },
    conv_template: { ...CHATML, stop_token_ids: [id('eos'), id('bos')] },
    bos_token_id: id('bos'),
    eos_token_id: id('eos'),
  };
}

/** https://huggingface.co/docs/tokenizers: GPT-2's pattern and alphabet, with the file's own words and merges. */
function tokenizerOf({ fields }: GgufHeader): object {
  const texts = (key: string) => (fields.get(`tokenizer.ggml.${key}`)?.list?.words ?? []).map(unicode);
  const words = texts('tokens');
  const kinds = fields.get('tokenizer.ggml.token_type')?.list?.numbers ?? [];
  const byteLevel = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: false, use_regex: true };
  const added = { single_word: false, lstrip: false, rstrip: false, normalized: false, special: true };
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: words.flatMap((content, id) => (kinds[id] === CONTROL ? [{ id, content, ...added }] : [])),
    normalizer: null,
    pre_tokenizer: byteLevel,
    post_processor: null,
    decoder: byteLevel,
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: '',
      end_of_word_suffix: '',
      fuse_unk: false,
      byte_fallback: false,
      vocab: Object.fromEntries(words.map((word, id) => [word, id])),
      merges: texts('merges'),
    },
  };
}

interface TensorRecord {
  name: string;
  shape: number[];
  dtype: 'float32' | 'uint32';
  format: 'raw';
  nbytes: number;
  byteOffset: number;
}

function weightsOf(header: GgufHeader, bytes: Uint8Array): { records: TensorRecord[]; shard: Uint8Array<ArrayBuffer> } {
  const find = (name: string): Matrix => {
    const tensor = header.tensors.find((one) => one.name === `${name}.weight`);
    if (tensor === undefined)
      throw new MeshError('model_unreadable', `This model file lacks ${name}. Choose another model.`);
    const [columns = 0, rows = 1] = tensor.dimensions;
    const length = tensor.dimensions.length === 1 ? columns * 4 : (rows * columns * 34) / 32;
    return { rows, columns, bytes: bytes.subarray(tensor.start, tensor.start + length) };
  };
  const layers = Array.from({ length: TINY_SHAPE.layers }, (_, i) => `blk.${i}`);
  const all = (...names: string[]) => stackOf(layers.map((layer) => names.map((name) => find(`${layer}.${name}`))));
  const norms = [...layers.flatMap((layer) => [`${layer}.attn_norm`, `${layer}.ffn_norm`]), 'output_norm'];
  const stacks = [
    stackOf([[find('token_embd')]]),
    all('attn_q', 'attn_k', 'attn_v'),
    all('attn_output'),
    all('ffn_gate', 'ffn_up'),
    all('ffn_down'),
  ];
  const words = joined(stacks.map((stack) => bytesOf(stack.words)));
  const scales = stacks.map((stack) => bytesOf(stack.scales));
  const numbers = joined([...norms.map((name) => find(name).bytes), bytesOf(turns()), ...scales]);
  const record = (name: string, dtype: TensorRecord['dtype'], { byteLength }: Uint8Array, byteOffset: number) => ({
    name,
    shape: [byteLength / 4],
    dtype,
    format: 'raw' as const,
    nbytes: byteLength,
    byteOffset,
  });
  return {
    records: [record('words', 'uint32', words, 0), record('numbers', 'float32', numbers, words.byteLength)],
    shard: joined([words, numbers]),
  };
}

function bytesOf({ buffer, byteOffset, byteLength }: Uint32Array | Float32Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((sum, { byteLength }) => sum + byteLength, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.byteLength;
  }
  return whole;
}
