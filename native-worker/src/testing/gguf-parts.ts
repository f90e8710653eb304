/** Takes a model file apart and puts it together again. Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md */

const ALIGN = 32;
const [UINT32, STRING, ARRAY] = [4, 8, 9];
/** The sizes by type number; strings and arrays give their own. */
const SIZES = [1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8];

export interface Tensor {
  name: string;
  /** The bytes of the number of dimensions, the dimensions and the type. */
  description: Buffer;
  data: Buffer;
}

export interface GgufParts {
  fieldCount: number;
  /** The bytes of all weights. */
  fields: Buffer;
  tensors: readonly Tensor[];
}

export function readGguf(model: Buffer): GgufParts {
  const count = Number(model.readBigUInt64LE(8));
  const fieldCount = Number(model.readBigUInt64LE(16));
  let at = 24;
  for (let i = 0; i < fieldCount; i++) {
    at += 8 + Number(model.readBigUInt64LE(at));
    at += 4 + valueBytes(model, at + 4, model.readUInt32LE(at));
  }
  return { fieldCount, fields: model.subarray(24, at), tensors: readTensors(model, at, count) };
}

export function writeGguf({ fieldCount, fields, tensors }: GgufParts): Buffer {
  let offset = 0;
  const infos = tensors.map(({ name, description, data }) => {
    const info = Buffer.concat([text(name), description, u64(offset)]);
    offset += aligned(data.length);
    return info;
  });
  const head = Buffer.concat([
    ...[Buffer.from('GGUF'), u32(3), u64(tensors.length), u64(fieldCount), fields],
    ...infos,
  ]);
  return Buffer.concat([padded(head), ...tensors.map(({ data }) => padded(data))]);
}

/** Gives a text field another value. */
export function withText(parts: GgufParts, key: string, value: string): GgufParts {
  const { fields, fieldCount } = parts;
  let at = 0;
  for (let i = 0; i < fieldCount; i++) {
    const length = Number(fields.readBigUInt64LE(at));
    const name = fields.toString('utf8', at + 8, at + 8 + length);
    const from = at + 8 + length + 4;
    const end = from + valueBytes(fields, from, fields.readUInt32LE(from - 4));
    if (name === key)
      return { ...parts, fields: Buffer.concat([fields.subarray(0, from), text(value), fields.subarray(end)]) };
    at = end;
  }
  throw new Error(`The model has no ${key}.`);
}

/** Adds a field. */
export function uint32Field(key: string, value: number): Buffer {
  return Buffer.concat([text(key), u32(UINT32), u32(value)]);
}

function readTensors(model: Buffer, start: number, count: number): Tensor[] {
  let at = start;
  const infos = Array.from({ length: count }, () => {
    const length = Number(model.readBigUInt64LE(at));
    const name = model.toString('utf8', at + 8, at + 8 + length);
    const from = at + 8 + length;
    const to = from + 4 + 8 * model.readUInt32LE(from) + 4;
    at = to + 8;
    return { name, description: model.subarray(from, to), offset: Number(model.readBigUInt64LE(to)) };
  });
  const data = aligned(at);
  return infos.map(({ name, description, offset }, i) => {
    const end = infos[i + 1]?.offset ?? model.length - data;
    return { name, description, data: model.subarray(data + offset, data + end) };
  });
}

function valueBytes(model: Buffer, at: number, type: number): number {
  if (type === STRING) return 8 + Number(model.readBigUInt64LE(at));
  if (type !== ARRAY) return SIZES[type] ?? 0;
  const of = model.readUInt32LE(at);
  const length = Number(model.readBigUInt64LE(at + 4));
  let bytes = 12;
  for (let i = 0; i < length; i++) bytes += valueBytes(model, at + bytes, of);
  return bytes;
}

function aligned(n: number): number {
  return Math.ceil(n / ALIGN) * ALIGN;
}

function padded(data: Buffer): Buffer {
  return Buffer.concat([data, Buffer.alloc(aligned(data.length) - data.length)]);
}

export function text(value: string): Buffer {
  return Buffer.concat([u64(Buffer.byteLength(value)), Buffer.from(value)]);
}

export function u32(n: number): Buffer {
  const buffer = Buffer.alloc(4);
  buffer.writeUInt32LE(n);
  return buffer;
}

export function u64(n: number): Buffer {
  const buffer = Buffer.alloc(8);
  buffer.writeBigUInt64LE(BigInt(n));
  return buffer;
}
