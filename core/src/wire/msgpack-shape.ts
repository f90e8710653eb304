/**
 * Checks MessagePack before it is decoded. The decoder makes room for every item that an array claims, and keeps state
 * for every level: a few kilobytes of nested arrays, each claiming thousands of items, would take gigabytes. So we
 * decode nothing that is nested deeper than we allow, or claims more items than it has bytes.
 */

/**
 * Indexed by the first byte, 0xc0 to 0xdf: how many bytes hold a length, and how many more follow beside it. In order:
 * nil, never used, false, true; bin 8 to 32; ext 8 to 32; float 32, 64; uint 8 to 64; int 8 to 64; fixext 1 to 16; str
 * 8 to 32; array 16, 32; map 16, 32.
 */
const LENGTH_BYTES = [0, 0, 0, 0, 1, 2, 4, 1, 2, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 4, 2, 4, 2, 4];
const REST_BYTES = [0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 4, 8, 1, 2, 4, 8, 1, 2, 4, 8, 2, 3, 5, 9, 17, 0, 0, 0, 0, 0, 0, 0];
const ARRAY_16 = 0xdc;
const MAP_16 = 0xde;

/** Can the first value in `bytes` be decoded at a cost in proportion to its size? Says nothing about what it is. */
export function wellShaped(bytes: Uint8Array, maxDepth: number): boolean {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  /** How many items are still to come in each open array and map. */
  const open: number[] = [];
  /** The items still to come in all of them. Each takes at least one byte. */
  let owed = 1;
  let at = 0;
  while (owed > 0) {
    if (owed > bytes.byteLength - at) return false;
    const head = view.getUint8(at++);
    owed -= 1;
    while (open.at(-1) === 0) open.pop();
    if (open.length > 0) open[open.length - 1]! -= 1;
    let items = 0;
    if (head >= 0x80 && head < 0x90) items = 2 * (head & 0x0f);
    else if (head >= 0x90 && head < 0xa0) items = head & 0x0f;
    else if (head >= 0xa0 && head < 0xc0) at += head & 0x1f;
    else if (head >= 0xc0 && head < 0xe0) {
      const lengthBytes = LENGTH_BYTES[head - 0xc0] ?? 0;
      if (at + lengthBytes > bytes.byteLength) return false;
      const length = lengthOf(view, at, lengthBytes);
      at += lengthBytes + (REST_BYTES[head - 0xc0] ?? 0);
      if (head >= MAP_16) items = 2 * length;
      else if (head >= ARRAY_16) items = length;
      else at += length;
    }
    if (items === 0) continue;
    owed += items;
    open.push(items);
    if (open.length > maxDepth) return false;
  }
  return at <= bytes.byteLength;
}

function lengthOf(view: DataView, at: number, lengthBytes: number): number {
  if (lengthBytes === 0) return 0;
  if (lengthBytes === 1) return view.getUint8(at);
  return lengthBytes === 2 ? view.getUint16(at) : view.getUint32(at);
}
