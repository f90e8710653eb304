/**
 * A GGUF in the shape of Qwen3-30B-A3B with Q4_0 weights of noise: 128 experts of which 8 work on a token, and a real
 * vocabulary. https://huggingface.co/Qwen/Qwen3-30B-A3B/blob/main/config.json
 */
import { bytesOf, float16, QUANTS, writeGguf, xorshift, type Tensor } from './gguf-writer.ts';
import { syntheticTokenizer } from './synthetic-tokenizer.ts';

const LAYERS = 48;
const SHAPE = { width: 2048, heads: 32, kvHeads: 4, headWidth: 128, experts: 128, used: 8, expertWidth: 768 };
const VOCABULARY = 151_936;
const CONTEXT_TOKENS = 8192;
const PART_BYTES = 16 * 1024 * 1024;

export interface MoeSize {
  layers: number;
  bytes: number;
  parameters: number;
}

/** `scale`: the share of its 48 layers. */
export function moeSize(scale: number): MoeSize {
  const layers = Math.max(1, Math.round(LAYERS * scale));
  const all = tensors(layers, VOCABULARY);
  return {
    layers,
    bytes: all.reduce((sum, tensor) => sum + bytesOf(tensor), 0),
    parameters: all.reduce((sum, { shape }) => sum + shape.reduce((product, size) => product * size, 1), 0),
  };
}

export async function writeMoe(path: string, { layers }: MoeSize): Promise<void> {
  const tokenizer = await syntheticTokenizer(VOCABULARY);
  const noise = new Noise();
  writeGguf(
    path,
    {
      'general.architecture': { type: 'string', value: 'qwen3moe' },
      'general.name': { type: 'string', value: `Synthetic MoE, ${layers} layers` },
      'qwen3moe.block_count': { type: 'uint32', value: layers },
      'qwen3moe.context_length': { type: 'uint32', value: CONTEXT_TOKENS },
      'qwen3moe.embedding_length': { type: 'uint32', value: SHAPE.width },
      'qwen3moe.feed_forward_length': { type: 'uint32', value: SHAPE.expertWidth * SHAPE.used },
      'qwen3moe.expert_count': { type: 'uint32', value: SHAPE.experts },
      'qwen3moe.expert_used_count': { type: 'uint32', value: SHAPE.used },
      'qwen3moe.expert_feed_forward_length': { type: 'uint32', value: SHAPE.expertWidth },
      'qwen3moe.attention.head_count': { type: 'uint32', value: SHAPE.heads },
      'qwen3moe.attention.head_count_kv': { type: 'uint32', value: SHAPE.kvHeads },
      'qwen3moe.attention.key_length': { type: 'uint32', value: SHAPE.headWidth },
      'qwen3moe.attention.value_length': { type: 'uint32', value: SHAPE.headWidth },
      'qwen3moe.attention.layer_norm_rms_epsilon': { type: 'float32', value: 1e-6 },
      'qwen3moe.rope.freq_base': { type: 'float32', value: 1e6 },
      ...tokenizer.fields,
    },
    tensors(layers, tokenizer.size),
    (tensor) => noise.weights(tensor, tokenizer.eos),
  );
}

function tensors(layers: number, vocabulary: number): Tensor[] {
  const { width, heads, kvHeads, headWidth, experts, expertWidth } = SHAPE;
  const tensor = (name: string, quant: Tensor['quant'], ...shape: number[]): Tensor => ({
    name: `${name}.weight`,
    quant,
    shape,
  });
  return [
    tensor('token_embd', 'q4_0', width, vocabulary),
    ...Array.from({ length: layers }, (_, i) => [
      tensor(`blk.${i}.attn_norm`, 'f32', width),
      tensor(`blk.${i}.attn_q`, 'q4_0', width, heads * headWidth),
      tensor(`blk.${i}.attn_k`, 'q4_0', width, kvHeads * headWidth),
      tensor(`blk.${i}.attn_v`, 'q4_0', width, kvHeads * headWidth),
      tensor(`blk.${i}.attn_output`, 'q4_0', heads * headWidth, width),
      tensor(`blk.${i}.attn_q_norm`, 'f32', headWidth),
      tensor(`blk.${i}.attn_k_norm`, 'f32', headWidth),
      tensor(`blk.${i}.ffn_norm`, 'f32', width),
      tensor(`blk.${i}.ffn_gate_inp`, 'f32', width, experts),
      tensor(`blk.${i}.ffn_gate_exps`, 'q4_0', width, expertWidth, experts),
      tensor(`blk.${i}.ffn_up_exps`, 'q4_0', width, expertWidth, experts),
      tensor(`blk.${i}.ffn_down_exps`, 'q4_0', expertWidth, width, experts),
    ]).flat(),
    tensor('output_norm', 'f32', width),
    tensor('output', 'q4_0', width, vocabulary),
  ];
}

/** Cuts one stretch of random blocks at another place each time: 17 GB of fresh ones would take minutes. */
class Noise {
  #random = xorshift(0x2545f491);
  #bytes = Buffer.alloc(2 * PART_BYTES - (PART_BYTES % QUANTS.q4_0.bytes));

  constructor() {
    for (let at = 0; at + 4 <= this.#bytes.byteLength; at += 4) this.#bytes.writeInt32LE(this.#random(), at);
  }

  *weights(tensor: Tensor, eos: number): Generator<Buffer> {
    if (tensor.quant === 'f32') yield this.#plain(tensor);
    else yield* this.#blocks(tensor, eos);
  }

  /** The router has to choose, and so has weights; norms are 1. */
  #plain(tensor: Tensor): Buffer {
    const buffer = Buffer.alloc(bytesOf(tensor));
    const isRouter = tensor.shape.length > 1;
    for (let at = 0; at < buffer.byteLength; at += 4) {
      buffer.writeFloatLE(isRouter ? this.#random() / 2 ** 31 / Math.sqrt(SHAPE.width) : 1, at);
    }
    return buffer;
  }

  *#blocks(tensor: Tensor, eos: number): Generator<Buffer> {
    const { weights, bytes } = QUANTS.q4_0;
    const [into = weights] = tensor.shape;
    const rowBytes = (into / weights) * bytes;
    // Uniform weights of −8 to 7 have a deviation of 4.6.
    const scale = float16(1 / (4.6 * Math.sqrt(into)));
    const rows = bytesOf(tensor) / rowBytes;
    const rowsAPart = Math.floor(PART_BYTES / rowBytes);
    for (let row = 0; row < rows; row += rowsAPart) {
      const partRows = Math.min(rowsAPart, rows - row);
      const from = (this.#random() >>> 0) % (this.#bytes.byteLength - PART_BYTES);
      const part = Buffer.from(this.#bytes.subarray(from, from + partRows * rowBytes));
      for (let at = 0; at < part.byteLength; at += bytes) part.writeUInt16LE(scale, at);
      // A row of zeros gives the logit 0, and some other is always higher: the end of the answer never comes.
      if (tensor.name === 'output.weight' && eos >= row && eos < row + partRows) {
        part.fill(0, (eos - row) * rowBytes, (eos - row + 1) * rowBytes);
      }
      yield part;
    }
  }
}
