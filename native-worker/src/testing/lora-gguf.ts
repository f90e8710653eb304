/** Writes adapters (LoRA) for tests. Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md */

import { mulberry32 } from '@llmesh/core/testing/mulberry32';
import { text, u32, u64, writeGguf } from './gguf-parts.ts';

const [UINT32, FLOAT32, STRING] = [4, 6, 8];

/** A matrix of the model that it is for. */
export interface Matrix {
  /** "blk.0.attn_q.weight" */
  name: string;
  inputs: number;
  outputs: number;
}

export interface LoraOptions {
  seed: number;
  /** How far it turns answers. */
  strength: number;
  rank?: number;
  /** Fields in place of those that an adapter has; null: the field is left out. */
  says?: Record<string, string | number | null>;
  /** Written wrongly, as an unsigned number: llama.cpp would end the process. */
  wholeAlpha?: boolean;
}

/** The attention matrices of the tiny model. */
export const TINY_MATRICES: readonly Matrix[] = [0, 1, 2, 3].flatMap((block) => [
  { name: `blk.${block}.attn_q.weight`, inputs: 256, outputs: 256 },
  { name: `blk.${block}.attn_v.weight`, inputs: 256, outputs: 128 },
]);

/** Makes the same bytes for the same options. */
export function loraGguf(matrices: readonly Matrix[], options: LoraOptions): Buffer {
  const { seed, strength, rank = 4, says = {}, wholeAlpha = false } = options;
  const random = mulberry32(seed);
  const noise = (count: number, size: number) => {
    const numbers = Float32Array.from({ length: count }, () => (random() * 2 - 1) * size);
    return Buffer.from(numbers.buffer);
  };
  const tensors = matrices.flatMap(({ name, inputs, outputs }) => [
    { name: `${name}.lora_a`, shape: [inputs, rank], data: noise(inputs * rank, 1 / Math.sqrt(inputs)) },
    { name: `${name}.lora_b`, shape: [rank, outputs], data: noise(rank * outputs, strength) },
  ]);
  const fields = Object.entries({
    'general.type': 'adapter',
    'general.architecture': 'llama',
    'general.name': `Test adapter ${seed}`,
    'adapter.type': 'lora',
    'adapter.lora.alpha': rank,
    ...says,
  }).filter((field): field is [string, string | number] => field[1] !== null);
  const values = fields.map(([key, value]) => {
    if (typeof value === 'string') return Buffer.concat([text(key), u32(STRING), text(value)]);
    return Buffer.concat([text(key), wholeAlpha ? u32(UINT32) : u32(FLOAT32), wholeAlpha ? u32(value) : f32(value)]);
  });
  return writeGguf({
    fieldCount: fields.length,
    fields: Buffer.concat(values),
    tensors: tensors.map(({ name, shape, data }) => {
      return { name, description: Buffer.concat([u32(shape.length), ...shape.map(u64), u32(0)]), data };
    }),
  });
}

function f32(n: number): Buffer {
  const buffer = Buffer.alloc(4);
  buffer.writeFloatLE(n);
  return buffer;
}
