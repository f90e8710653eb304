/**
 * For tests: a model's own numbers in 32 bits instead of 8. Of a file in Q8_0, llama.cpp rounds what it multiplies to 8 bits, too, which changes
 * the scores by a tenth; of this one it computes what the numbers say.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { readGguf, writeGguf, type Tensor } from './gguf-parts.ts';

const [FLOAT32, Q8_0] = [0, 8];
const BLOCK = 32;
const BLOCK_BYTES = 34;

/** Writes a copy of the model at `from` to `path`. Returns `path`. */
export function writeExact(from: string, path: string): string {
  const { tensors, ...rest } = readGguf(readFileSync(from));
  writeFileSync(path, writeGguf({ ...rest, tensors: tensors.map(exact) }));
  return path;
}

function exact(tensor: Tensor): Tensor {
  const typeAt = tensor.description.length - 4;
  if (tensor.description.readUInt32LE(typeAt) !== Q8_0) return tensor;
  const blocks = Math.floor(tensor.data.length / BLOCK_BYTES);
  const numbers = new Float32Array(blocks * BLOCK);
  for (let block = 0; block < blocks; block++) {
    const at = block * BLOCK_BYTES;
    const scale = half(tensor.data.readUInt16LE(at));
    for (let i = 0; i < BLOCK; i++) numbers[block * BLOCK + i] = scale * tensor.data.readInt8(at + 2 + i);
  }
  const description = Buffer.from(tensor.description);
  description.writeUInt32LE(FLOAT32, typeAt);
  return { name: tensor.name, description, data: Buffer.from(numbers.buffer) };
}

/** The value of a positive IEEE 754 half. */
function half(bits: number): number {
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  return exponent === 0 ? fraction * 2 ** -24 : (1 + fraction / 1024) * 2 ** (exponent - 15);
}
