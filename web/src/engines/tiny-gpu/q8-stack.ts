/**
 * Matrices of a GGUF in Q8_0 as `models/tiny/gpu/products.ts` reads them: by columns instead of rows, so that neighbours in a
 * workgroup read neighbouring words, and with their scales beside them. Not a number is changed.
 */

/** https://github.com/ggml-org/ggml/blob/master/docs/gguf.md: a scale of 16 bits, then 32 numbers. */
const BLOCK = 32;
const BLOCK_BYTES = 2 + BLOCK;
/** The kernels leave a number in the highest of four bytes. Dividing by a power of two does not round. */
const UNPACKED = 2 ** 24;
const WORDS_OF_BLOCK = BLOCK / 4;

export interface Matrix {
  rows: number;
  columns: number;
  /** Rows of blocks. */
  bytes: Uint8Array;
}

export interface Stack {
  /** Four columns of a row in a word, the first in its lowest byte. */
  words: Uint32Array<ArrayBuffer>;
  scales: Float32Array<ArrayBuffer>;
}

/** `layers`: for each layer the matrices that stand one above the other. All layers have the same shape. */
export function stackOf(layers: readonly (readonly Matrix[])[]): Stack {
  const matrices = layers.flat();
  const numbers = matrices.reduce((sum, { rows, columns }) => sum + rows * columns, 0);
  const words = new Uint32Array(numbers / 4);
  const scales = new Float32Array(numbers / BLOCK);
  let word = 0;
  let scale = 0;
  for (const layer of layers) {
    const rows = layer.reduce((sum, matrix) => sum + matrix.rows, 0);
    let row = 0;
    for (const matrix of layer) {
      place(matrix, words.subarray(word), scales.subarray(scale), row, rows);
      row += matrix.rows;
    }
    const columns = layer[0]?.columns ?? 0;
    word += (rows * columns) / 4;
    scale += (rows * columns) / BLOCK;
  }
  return { words, scales };
}

/** Puts a matrix behind the first `above` of `rows` rows. */
function place(matrix: Matrix, words: Uint32Array, scales: Float32Array, above: number, rows: number): void {
  const view = new DataView(matrix.bytes.buffer, matrix.bytes.byteOffset, matrix.bytes.byteLength);
  const blocks = matrix.columns / BLOCK;
  for (let row = 0; row < matrix.rows; row++) {
    for (let block = 0; block < blocks; block++) {
      const at = (row * blocks + block) * BLOCK_BYTES;
      scales[block * rows + above + row] = halfFloat(view.getUint16(at, true)) / UNPACKED;
      for (let i = 0; i < WORDS_OF_BLOCK; i++) {
        words[(block * WORDS_OF_BLOCK + i) * rows + above + row] = view.getUint32(at + 2 + 4 * i, true);
      }
    }
  }
}

/** The value of an IEEE 754 half; no scale is infinite. */
function halfFloat(bits: number): number {
  const sign = bits >> 15 === 0 ? 1 : -1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}
