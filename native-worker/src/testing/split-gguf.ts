/** Splits a model as llama.cpp's own tool does. */
import { readGguf, text, u32, writeGguf, type Tensor } from './gguf-parts.ts';

const [UINT16, INT32] = [2, 5];

/** Two files: the first half of the tensors, and the rest. */
export function splitGguf(model: Buffer): [Buffer, Buffer] {
  const { fields, fieldCount, tensors } = readGguf(model);
  const count = tensors.length;
  const half = count >> 1;
  const part = (no: number, own: Buffer, ownCount: number, some: readonly Tensor[]) =>
    writeGguf({ fieldCount: ownCount + 3, fields: Buffer.concat([own, splitFields(no, count)]), tensors: some });
  return [part(0, fields, fieldCount, tensors.slice(0, half)), part(1, Buffer.of(), 0, tensors.slice(half))];
}

function splitFields(no: number, tensorCount: number): Buffer {
  const u16 = (n: number) => Buffer.from([n & 255, n >> 8]);
  return Buffer.concat([
    ...[text('split.no'), u32(UINT16), u16(no)],
    ...[text('split.count'), u32(UINT16), u16(2)],
    ...[text('split.tensors.count'), u32(INT32), u32(tensorCount)],
  ]);
}
