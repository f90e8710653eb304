/** Vectors on the wire: float32, little-endian, one number after the other. */

const NUMBER_BYTES = 4;

export function vectorBytes(vector: Float32Array): Uint8Array<ArrayBuffer> {
  const view = new DataView(new ArrayBuffer(vector.length * NUMBER_BYTES));
  for (const [i, number] of vector.entries()) view.setFloat32(i * NUMBER_BYTES, number, true);
  return new Uint8Array(view.buffer);
}

/** Null: not `size` numbers, or one of them is not finite. */
export function readVector(bytes: Uint8Array, size: number): Float32Array | null {
  if (bytes.byteLength !== size * NUMBER_BYTES) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const vector = Float32Array.from({ length: size }, (_, i) => view.getFloat32(i * NUMBER_BYTES, true));
  return vector.every(Number.isFinite) ? vector : null;
}

/** The same direction with length one, as a new vector. A zero vector stays as it is. */
export function unitVector(vector: ArrayLike<number>): Float32Array {
  const length = Math.hypot(...Array.from(vector));
  return Float32Array.from(vector, (number) => (length === 0 ? number : number / length));
}
