/** A tensor as the head of a GGUF file names it: https://github.com/ggml-org/llama.cpp/blob/master/ggml/src/ggml.c */

export interface GgufTensor {
  name: string;
  dimensions: readonly number[];
  type: number;
  /** Where its bytes begin in the file. */
  start: number;
}

/** Numbers in a block, and the bytes of it, by type. */
const BLOCKS: Readonly<Record<number, readonly [numbers: number, bytes: number]>> = {
  0: [1, 4],
  1: [1, 2],
  2: [32, 18],
  3: [32, 20],
  6: [32, 22],
  7: [32, 24],
  8: [32, 34],
  9: [32, 36],
  10: [256, 84],
  11: [256, 110],
  12: [256, 144],
  13: [256, 176],
  14: [256, 210],
  15: [256, 292],
  16: [256, 66],
  17: [256, 74],
  18: [256, 98],
  19: [256, 50],
  20: [32, 18],
  21: [256, 110],
  22: [256, 82],
  23: [256, 136],
  24: [1, 1],
  25: [1, 2],
  26: [1, 4],
  27: [1, 8],
  28: [1, 8],
  29: [256, 56],
  30: [1, 2],
  34: [256, 54],
  35: [256, 66],
  39: [32, 17],
};
/** llama.cpp no longer reads these types, and divides by the size of their blocks, which is 0. */
const REMOVED: ReadonlySet<number> = new Set([4, 5, 31, 32, 33, 36, 37, 38]);
/** Types up to here may be newer than the table. */
const MAX_TYPE = 63;
/** More numbers than any tensor has, and twice as many could still be added up. */
const MAX_NUMBERS = 2 ** 51;

/** How many bytes it takes; 0 for a type that is newer than this table. Null: there is no such tensor. */
export function tensorBytes(type: number, dimensions: readonly number[]): number | null {
  if (type > MAX_TYPE || REMOVED.has(type)) return null;
  let numbers = 1;
  for (const dimension of dimensions) {
    // llama.cpp divides by the dimensions, so none may be 0.
    if (dimension < 1 || dimension > MAX_NUMBERS / numbers) return null;
    numbers *= dimension;
  }
  const block = BLOCKS[type];
  if (block === undefined) return 0;
  const [each, bytes] = block;
  if ((dimensions[0] ?? 1) % each !== 0) return null;
  const total = (numbers / each) * bytes;
  return Number.isSafeInteger(total) ? total : null;
}
