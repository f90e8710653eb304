/**
 * Writes a model file: metadata, then tensors one after another, so that a file may be larger than the memory.
 * Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
 */
import { closeSync, openSync, renameSync, writeSync } from 'node:fs';

const ALIGN = 32;
const TYPE = { uint32: 4, int32: 5, float32: 6, bool: 7, string: 8, array: 9 } as const;

/** Weights a block and bytes a block: https://github.com/ggml-org/ggml/blob/master/include/ggml.h */
export const QUANTS = {
  f32: { id: 0, weights: 1, bytes: 4 },
  q4_0: { id: 2, weights: 32, bytes: 18 },
  q8_0: { id: 8, weights: 32, bytes: 34 },
} as const;

export interface Tensor {
  name: string;
  /** The fastest dimension comes first, as in ggml. */
  shape: number[];
  quant: keyof typeof QUANTS;
}

export type Field =
  | { type: 'uint32' | 'float32'; value: number }
  | { type: 'bool'; value: boolean }
  | { type: 'string'; value: string }
  | { type: 'strings'; value: readonly string[] }
  | { type: 'int32s'; value: readonly number[] };

/** `weights` gives each tensor's bytes, in parts. The file has its name when it is whole. */
export function writeGguf(
  path: string,
  metadata: Record<string, Field>,
  tensors: readonly Tensor[],
  weights: (tensor: Tensor) => Iterable<Buffer>,
): void {
  const file = openSync(`${path}.part`, 'w');
  try {
    const head = header({ ...metadata, 'general.alignment': { type: 'uint32', value: ALIGN } }, tensors);
    writeSync(file, head);
    pad(file, head.byteLength);
    for (const tensor of tensors) {
      let written = 0;
      for (const part of weights(tensor)) written += writeSync(file, part);
      if (written !== bytesOf(tensor)) throw new Error(`${tensor.name} has ${written} of ${bytesOf(tensor)} bytes`);
      pad(file, written);
    }
  } finally {
    closeSync(file);
  }
  renameSync(`${path}.part`, path);
}

export function bytesOf({ shape, quant }: Tensor): number {
  const { weights, bytes } = QUANTS[quant];
  return (shape.reduce((product, size) => product * size, 1) / weights) * bytes;
}

function header(metadata: Record<string, Field>, tensors: readonly Tensor[]): Buffer {
  const writer = new Writer();
  const fields = Object.entries(metadata);
  writer.raw(Buffer.from('GGUF'));
  writer.uint32(3);
  writer.uint64(tensors.length);
  writer.uint64(fields.length);
  for (const [key, field] of fields) {
    writer.text(key);
    writer.field(field);
  }
  let offset = 0;
  for (const tensor of tensors) {
    writer.text(tensor.name);
    writer.uint32(tensor.shape.length);
    for (const size of tensor.shape) writer.uint64(size);
    writer.uint32(QUANTS[tensor.quant].id);
    writer.uint64(offset);
    offset += padded(bytesOf(tensor));
  }
  return writer.done();
}

function padded(bytes: number): number {
  return Math.ceil(bytes / ALIGN) * ALIGN;
}

function pad(file: number, bytes: number): void {
  writeSync(file, Buffer.alloc(padded(bytes) - bytes));
}

/** IEEE 754 binary16 of a normal positive number: the scale of a block. */
export function float16(value: number): number {
  const bits = new DataView(new ArrayBuffer(4));
  bits.setFloat32(0, value);
  const wide = bits.getUint32(0);
  return (((wide >> 23) - 112) << 10) | ((wide >> 13) & 0x3ff);
}

/** Marsaglia 2003, 32 bits, signed. */
export function xorshift(seed: number): () => number {
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
  field(field: Field): void {
    switch (field.type) {
      case 'uint32':
        this.uint32(TYPE.uint32);
        this.uint32(field.value);
        break;
      case 'float32': {
        this.uint32(TYPE.float32);
        const part = Buffer.alloc(4);
        part.writeFloatLE(field.value);
        this.raw(part);
        break;
      }
      case 'bool':
        this.uint32(TYPE.bool);
        this.raw(Buffer.from([field.value ? 1 : 0]));
        break;
      case 'string':
        this.uint32(TYPE.string);
        this.text(field.value);
        break;
      case 'strings':
        this.#array(TYPE.string, field.value.length);
        for (const value of field.value) this.text(value);
        break;
      case 'int32s': {
        this.#array(TYPE.int32, field.value.length);
        const part = Buffer.alloc(4 * field.value.length);
        field.value.forEach((value, i) => part.writeInt32LE(value, 4 * i));
        this.raw(part);
        break;
      }
      default:
        field satisfies never;
    }
  }
  done(): Buffer {
    return Buffer.concat(this.#parts);
  }

  #array(type: number, length: number): void {
    this.uint32(TYPE.array);
    this.uint32(type);
    this.uint64(length);
  }
}
