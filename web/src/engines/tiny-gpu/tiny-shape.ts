/** The network that `models/tiny/gpu` computes. */
import type { GgufHeader } from '@llmesh/core/gguf/gguf-header';

export const TINY_SHAPE = {
  layers: 4,
  width: 256,
  heads: 4,
  keyHeads: 2,
  headWidth: 64,
  inner: 640,
  vocabulary: 1536,
  context: 2048,
} as const;
const ROPE_BASE = 10_000;
const EPSILON = 1e-5;
const Q8_0 = 8;

/** The angles' cosines and sines for every position, in pairs: `[position][pair][2]`. */
export function turns(): Float32Array<ArrayBuffer> {
  const { context, headWidth } = TINY_SHAPE;
  const table = new Float32Array(context * headWidth);
  for (let position = 0; position < context; position++) {
    for (let pair = 0; pair < headWidth / 2; pair++) {
      const angle = position * ROPE_BASE ** ((-2 * pair) / headWidth);
      table[position * headWidth + 2 * pair] = Math.cos(angle);
      table[position * headWidth + 2 * pair + 1] = Math.sin(angle);
    }
  }
  return table;
}

/** Whether this file holds that network: its shape is compiled into the kernels. */
export function isTiny({ architecture, fields, tensors }: GgufHeader): boolean {
  const number = (key: string) => fields.get(key)?.value;
  const epsilon = number('llama.attention.layer_norm_rms_epsilon');
  const shape = TINY_SHAPE;
  return (
    architecture === 'llama' &&
    number('llama.block_count') === shape.layers &&
    number('llama.embedding_length') === shape.width &&
    number('llama.attention.head_count') === shape.heads &&
    number('llama.attention.head_count_kv') === shape.keyHeads &&
    number('llama.rope.dimension_count') === shape.headWidth &&
    number('llama.feed_forward_length') === shape.inner &&
    number('llama.context_length') === shape.context &&
    number('llama.rope.freq_base') === ROPE_BASE &&
    typeof epsilon === 'number' &&
    Math.fround(epsilon) === Math.fround(EPSILON) &&
    fields.get('tokenizer.ggml.tokens')?.list?.length === shape.vocabulary &&
    fields.get('tokenizer.ggml.pre')?.value === 'gpt-2' &&
    tensors.length === 2 + 9 * shape.layers &&
    tensors.every(({ type, dimensions }) => type === (dimensions.length === 1 ? 0 : Q8_0))
  );
}
