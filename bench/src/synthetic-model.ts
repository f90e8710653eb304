/**
 * A llama-shaped GGUF with random Q8_0 weights and the tiny model's tokenizer: the cost of a real model without its
 * download. What it says is noise, always the same for the same seed; its end-of-answer token never wins.
 */
import { existsSync, mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bytesOf, float16, QUANTS, writeGguf, xorshift, type Tensor } from './gguf-writer.ts';
import { syntheticTokenizer } from './synthetic-tokenizer.ts';

const SHAPE = { layers: 14, width: 768, heads: 12, kvHeads: 4, feedForward: 2048, contextTokens: 4096 };

export interface Depth {
  /** How many layers change what the model says. Two models with the same number of them say the same. */
  telling: number;
  /** How many layers behind them cost as much and add nothing: what they write is multiplied by zero. */
  idle: number;
  seed: number;
}

const WHOLE: Depth = { telling: SHAPE.layers, idle: 0, seed: 0x2545f491 };

/** Writes the file once and returns its path: about 100M parameters, 100 MB, in the temporary folder. */
export async function syntheticModel({ telling, idle, seed }: Depth = WHOLE): Promise<string> {
  const folder = join(tmpdir(), 'llmesh-bench');
  const whole = telling === WHOLE.telling && idle === 0 && seed === WHOLE.seed;
  const path = join(folder, whole ? 'synthetic-100m-q8_0.gguf' : `synthetic-${telling}-${idle}-${seed}-q8_0.gguf`);
  if (existsSync(path)) return path;
  mkdirSync(folder, { recursive: true });
  const tokenizer = await syntheticTokenizer();
  const random = xorshift(seed);
  writeGguf(
    path,
    {
      'general.architecture': { type: 'string', value: 'llama' },
      'general.name': { type: 'string', value: 'Synthetic 100M' },
      'llama.block_count': { type: 'uint32', value: telling + idle },
      'llama.context_length': { type: 'uint32', value: SHAPE.contextTokens },
      'llama.embedding_length': { type: 'uint32', value: SHAPE.width },
      'llama.feed_forward_length': { type: 'uint32', value: SHAPE.feedForward },
      'llama.attention.head_count': { type: 'uint32', value: SHAPE.heads },
      'llama.attention.head_count_kv': { type: 'uint32', value: SHAPE.kvHeads },
      'llama.attention.layer_norm_rms_epsilon': { type: 'float32', value: 1e-5 },
      'llama.rope.dimension_count': { type: 'uint32', value: SHAPE.width / SHAPE.heads },
      'llama.vocab_size': { type: 'uint32', value: tokenizer.size },
      ...tokenizer.fields,
    },
    tensors(tokenizer.size, telling, idle),
    (tensor) => [isMute(tensor, telling) ? Buffer.alloc(bytesOf(tensor)) : weights(tensor, random, tokenizer.eos)],
  );
  return path;
}

/** The idle layers come last, so that the others are the same with and without them. */
function tensors(vocabulary: number, telling: number, idle: number): Tensor[] {
  const { width, feedForward, heads, kvHeads } = SHAPE;
  const kvWidth = (width / heads) * kvHeads;
  const matrix = (name: string, into: number, out: number): Tensor => ({
    name: `${name}.weight`,
    shape: [into, out],
    quant: 'q8_0',
  });
  const norm = (name: string): Tensor => ({ name: `${name}.weight`, shape: [width], quant: 'f32' });
  const layer = (i: number) => [
    norm(`blk.${i}.attn_norm`),
    matrix(`blk.${i}.attn_q`, width, width),
    matrix(`blk.${i}.attn_k`, width, kvWidth),
    matrix(`blk.${i}.attn_v`, width, kvWidth),
    matrix(`blk.${i}.attn_output`, width, width),
    norm(`blk.${i}.ffn_norm`),
    matrix(`blk.${i}.ffn_gate`, width, feedForward),
    matrix(`blk.${i}.ffn_up`, width, feedForward),
    matrix(`blk.${i}.ffn_down`, feedForward, width),
  ];
  const layers = Array.from({ length: telling + idle }, (_, i) => layer(i));
  return [
    matrix('token_embd', width, vocabulary),
    ...layers.slice(0, telling).flat(),
    norm('output_norm'),
    matrix('output', width, vocabulary),
    ...layers.slice(telling).flat(),
  ];
}

/** Whether it is the part of an idle layer that would add to the others. */
function isMute({ name }: Tensor, telling: number): boolean {
  const [, layer = '', writes] = /^blk\.(\d+)\.(attn_output|ffn_down)\.weight$/.exec(name) ?? [];
  return writes !== undefined && Number(layer) >= telling;
}

function weights(tensor: Tensor, random: () => number, eos: number): Buffer {
  const buffer = Buffer.alloc(bytesOf(tensor));
  if (tensor.quant === 'f32') {
    for (let at = 0; at < buffer.byteLength; at += 4) buffer.writeFloatLE(1, at);
    return buffer;
  }
  const { weights: blockWeights, bytes } = QUANTS.q8_0;
  const [into = 1, out = 1] = tensor.shape;
  const blocksARow = into / blockWeights;
  // Uniform bytes have a deviation of 74; the scale brings the weights to 1/√width, so that nothing explodes.
  const scale = float16(1 / (74 * Math.sqrt(into)));
  for (let block = 0; block < blocksARow * out; block++) {
    // A row of zeros gives the logit 0, and some other is always higher: the end of the answer never comes.
    if (tensor.name === 'output.weight' && Math.floor(block / blocksARow) === eos) continue;
    const at = block * bytes;
    buffer.writeUInt16LE(scale, at);
    for (let i = 2; i < bytes; i += 4) buffer.writeInt32LE(random(), at + i);
  }
  return buffer;
}
