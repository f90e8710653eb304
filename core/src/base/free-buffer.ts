/**
 * Gives a buffer's memory back at once; nobody may read it afterwards. What lies outside the heap of scripts is otherwise collected
 * late: V8 lets some 64 MB of it gather in each thread. Before ES2024 (`ArrayBuffer.prototype.transfer`) it is collected as ever.
 */
export function freeBuffer(buffer: ArrayBuffer): void {
  const movable: ArrayBuffer & { transfer?: (bytes: number) => ArrayBuffer } = buffer;
  movable.transfer?.(0);
}
