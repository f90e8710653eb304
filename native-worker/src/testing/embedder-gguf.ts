/** For tests: makes a model that embeds out of one that chats. */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { readGguf, uint32Field, writeGguf } from './gguf-parts.ts';

const TINY = fileURLToPath(new URL('../../../models/tiny/llmesh-tiny.gguf', import.meta.url));
/** Numbers of https://github.com/ggml-org/llama.cpp/blob/master/include/llama.h */
export const POOLING = { none: 0, mean: 1, last: 3, rank: 4 } as const;

/** Writes a copy of the tiny model to `path` that says how the vectors of its tokens become one. Returns `path`. */
export function writeEmbedder(path: string, pooling: keyof typeof POOLING = 'mean'): string {
  const { fields, fieldCount, tensors } = readGguf(readFileSync(TINY));
  const more = uint32Field('llama.pooling_type', POOLING[pooling]);
  writeFileSync(path, writeGguf({ fieldCount: fieldCount + 1, fields: Buffer.concat([fields, more]), tensors }));
  return path;
}
