/**
 * A llama-shaped GGUF with random Q8_0 weights and the tiny model's tokenizer: the cost of a real model without its
 * download. What it says is noise, always the same for the same seed; its end-of-answer token never wins.
 * Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
 */
import { closeSync, existsSync, mkdirSync, openSync, renameSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readGgufFileInfo } from 'node-llama-cpp';

const SHAPE = { layers: 14, width: 768, heads: 12, kvHeads: 4, feedForward: 2048, contextTokens: 4096 };
const Q8_0 = 8;
const F32 = 0;
const BLOCK_WEIGHTS = 32;
const BLOCK_BYTES = 34;
const ALIGN = 32;

const TYPE = { uint32: 4, float32: 6, bool: 7, string: 8, array: 9, int32: 5 } as const;

interface Tensor {
  name: string;
  /** Fastest first, as ggml has it. */
  shape: number[];
  type: typeof Q8_0 | typeof F32;
}

/** Writes the file once and returns its path: about 100M parameters, 100 MB, in the temporary folder. */
export async function syntheticModel(tokenizerFile: string): Promise<string> {
  const folder = join(tmpdir(), 'llmesh-bench');
  const path = join(folder, 'synthetic-100m-q8_0.gguf');
  if (existsSync(path)) return path;
  mkdirSync(folder, { recursive: true });
  const { metadata } = await readGgufFileInfo(tokenizerFile, { readTensorInfo: false });
  const { tokens, merges } = metadata.tokenizer.ggml;
  const types = (metadata.tokenizer.ggml as { token_type?: number[] }).token_type ?? [];
  if (!Array.isArray(tokens) || !Array.isArray(merges)) throw new Error(`${tokenizerFile} has no byte-pair tokenizer`);

  const writer = new Writer();
  const eos = tokens.indexOf('<|im_end|>');
  const fields: [string, () => void][] = [
    ['general.architecture', () => writer.string('llama')],
    ['general.name', () => writer.string('Synthetic 100M')],
    ['general.alignment', () => writer.number(TYPE.uint32, ALIGN)],
    ['llama.block_count', () => writer.number(TYPE.uint32, SHAPE.layers)],
    ['llama.context_length', () => writer.number(TYPE.uint32, SHAPE.contextTokens)],
    ['llama.embedding_length', () => writer.number(TYPE.uint32, SHAPE.width)],
    ['llama.feed_forward_length', () => writer.number(TYPE.uint32, SHAPE.feedForward)],
    ['llama.attention.head_count', () => writer.number(TYPE.uint32, SHAPE.heads)],
    ['llama.attention.head_count_kv', () => writer.number(TYPE.uint32, SHAPE.kvHeads)],
    ['llama.attention.layer_norm_rms_epsilon', () => writer.number(TYPE.float32, 1e-5)],
    ['llama.rope.dimension_count', () => writer.number(TYPE.uint32, SHAPE.width / SHAPE.heads)],
    ['llama.vocab_size', () => writer.number(TYPE.uint32, tokens.length)],
    ['tokenizer.ggml.model', () => writer.string('gpt2')],
    ['tokenizer.ggml.pre', () => writer.string('gpt-2')],
    ['tokenizer.ggml.tokens', () => writer.strings(tokens)],
    ['tokenizer.ggml.token_type', () => writer.int32s(types.map(Number))],
    ['tokenizer.ggml.merges', () => writer.strings(merges)],
    ['tokenizer.ggml.eos_token_id', () => writer.number(TYPE.uint32, eos)],
    ['tokenizer.ggml.add_bos_token', () => writer.bool(false)],
  ];
  const tensors = shapes(tokens.length);
  writer.raw(Buffer.from('GGUF'));
  writer.uint32(3);
  writer.uint64(tensors.length);
  writer.uint64(fields.length);
  for (const [key, value] of fields) {
    writer.text(key);
    value();
  }
  let offset = 0;
  for (const tensor of tensors) {
    writer.text(tensor.name);
    writer.uint32(tensor.shape.length);
    for (const size of tensor.shape) writer.uint64(size);
    writer.uint32(tensor.type);
    writer.uint64(offset);
    offset += padded(bytesOf(tensor));
  }
  const file = openSync(`${path}.part`, 'w');
  try {
    const head = writer.done();
    writeSync(file, head);
    writeSync(file, Buffer.alloc(padded(head.byteLength) - head.byteLength));
    const random = xorshift(0x2545f491);
    for (const tensor of tensors) writeSync(file, weights(tensor, random, eos));
  } finally {
    closeSync(file);
  }
  renameSync(`${path}.part`, path);
  return path;
}

function shapes(vocabulary: number): Tensor[] {
  const { width, feedForward, heads, kvHeads, layers } = SHAPE;
  const kvWidth = (width / heads) * kvHeads;
  const matrix = (name: string, into: number, out: number): Tensor => ({
    name: `${name}.weight`,
    shape: [into, out],
    type: Q8_0,
  });
  const norm = (name: string): Tensor => ({ name: `${name}.weight`, shape: [width], type: F32 });
  return [
    matrix('token_embd', width, vocabulary),
    ...Array.from({ length: layers }, (_, i) => [
      norm(`blk.${i}.attn_norm`),
      matrix(`blk.${i}.attn_q`, width, width),
      matrix(`blk.${i}.attn_k`, width, kvWidth),
      matrix(`blk.${i}.attn_v`, width, kvWidth),
      matrix(`blk.${i}.attn_output`, width, width),
      norm(`blk.${i}.ffn_norm`),
      matrix(`blk.${i}.ffn_gate`, width, feedForward),
      matrix(`blk.${i}.ffn_up`, width, feedForward),
      matrix(`blk.${i}.ffn_down`, feedForward, width),
    ]).flat(),
    norm('output_norm'),
    matrix('output', width, vocabulary),
  ];
}

function weights(tensor: Tensor, random: () => number, eos: number): Buffer {
  const buffer = Buffer.alloc(padded(bytesOf(tensor)));
  if (tensor.type === F32) {
    for (let at = 0; at < bytesOf(tensor); at += 4) buffer.writeFloatLE(1, at);
    return buffer;
  }
  const [into = 1, out = 1] = tensor.shape;
  const blocks = (into * out) / BLOCK_WEIGHTS;
  const blocksARow = into / BLOCK_WEIGHTS;
  // Uniform bytes have a deviation of 74; the scale brings the weights to 1/√width, so that nothing explodes.
  const scale = float16(1 / (74 * Math.sqrt(into)));
  for (let block = 0; block < blocks; block++) {
    // A row of zeros gives the logit 0, and some other is always higher: the end of the answer never comes.
    if (tensor.name === 'output.weight' && Math.floor(block / blocksARow) === eos) continue;
    const at = block * BLOCK_BYTES;
    buffer.writeUInt16LE(scale, at);
    for (let i = 2; i < BLOCK_BYTES; i += 4) buffer.writeInt32LE(random(), at + i);
  }
  return buffer;
}

function bytesOf({ shape, type }: Tensor): number {
  const count = shape.reduce((product, size) => product * size, 1);
  return type === F32 ? count * 4 : (count / BLOCK_WEIGHTS) * BLOCK_BYTES;
}

function padded(bytes: number): number {
  return Math.ceil(bytes / ALIGN) * ALIGN;
}

/** IEEE 754 binary16 of a normal positive number. */
function float16(value: number): number {
  const bits = new DataView(new ArrayBuffer(4));
  bits.setFloat32(0, value);
  const wide = bits.getUint32(0);
  return (((wide >> 23) - 112) << 10) | ((wide >> 13) & 0x3ff);
}

/** Marsaglia 2003, 32 bits, signed. */
function xorshift(seed: number): () => number {
  let state = seed;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state | 0;
  };
}

class Writer {
  #parts: Buffer[] = [];

  raw(part: Buffer): void {
    this.#parts.push(part);
  }
  uint32(value: number): void {
    const part = Buffer.alloc(4);
    part.writeUInt32LE(value);
    this.raw(part);
  }
  uint64(value: number): void {
    const part = Buffer.alloc(8);
    part.writeBigUInt64LE(BigInt(value));
    this.raw(part);
  }
  text(value: string): void {
    const bytes = Buffer.from(value);
    this.uint64(bytes.byteLength);
    this.raw(bytes);
  }
  string(value: string): void {
    this.uint32(TYPE.string);
    this.text(value);
  }
  bool(value: boolean): void {
    this.uint32(TYPE.bool);
    this.raw(Buffer.from([value ? 1 : 0]));
  }
  number(type: typeof TYPE.uint32 | typeof TYPE.float32, value: number): void {
    this.uint32(type);
    const part = Buffer.alloc(4);
    if (type === TYPE.float32) part.writeFloatLE(value);
    else part.writeUInt32LE(value);
    this.raw(part);
  }
  strings(values: readonly string[]): void {
    this.uint32(TYPE.array);
    this.uint32(TYPE.string);
    this.uint64(values.length);
    for (const value of values) this.text(value);
  }
  int32s(values: readonly number[]): void {
    this.uint32(TYPE.array);
    this.uint32(TYPE.int32);
    this.uint64(values.length);
    const part = Buffer.alloc(4 * values.length);
    values.forEach((value, i) => part.writeInt32LE(value, 4 * i));
    this.raw(part);
  }
  done(): Buffer {
    return Buffer.concat(this.#parts);
  }
}
