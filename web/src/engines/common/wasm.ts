/** Whether this browser runs WebAssembly as the engines need it, found by running some. */

/** A module with one function, which returns a vector of 128 bits: engines compute in those. */
const MODULE = new Uint8Array([
  // "\0asm", version 1
  ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
  // types: () -> v128
  ...[0x01, 0x05, 0x01, 0x60, 0x00, 0x01, 0x7b],
  // functions: one, of the first type
  ...[0x03, 0x02, 0x01, 0x00],
  // code: v128.const 0, end
  ...[0x0a, 0x16, 0x01, 0x14, 0x00, 0xfd, 0x0c, ...new Uint8Array(16), 0x0b],
]);

/** False where WebAssembly is absent, has no vectors, or is forbidden by the page's policy. */
export async function runsWasm(): Promise<boolean> {
  try {
    await WebAssembly.instantiate(MODULE);
    return true;
  } catch {
    return false;
  }
}
