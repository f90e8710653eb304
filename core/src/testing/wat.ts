/** Modules for tests, from their text. */
import wabt from 'wabt';

const assembler = await wabt();
/** Its types do not know all of them. */
const FEATURES = { tail_call: true, threads: true, multi_memory: true, memory64: true };

/** Throws on text that is not a module, but takes modules that are not valid. */
export function wat(text: string): Uint8Array<ArrayBuffer> {
  const parsed = assembler.parseWat('test.wat', text, FEATURES);
  try {
    return new Uint8Array(parsed.toBinary({}).buffer);
  } finally {
    parsed.destroy();
  }
}

/** A command with this body; `more` stands beside it. */
export function command(body: string, more = ''): Uint8Array<ArrayBuffer> {
  return wat(`(module ${more} (memory (export "memory") 1) (func (export "_start") ${body}))`);
}
