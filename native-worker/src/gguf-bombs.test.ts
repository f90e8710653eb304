import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { readGgufHeader } from '@llmesh/core/gguf-header';
import { GGUF_BOMBS } from './testing/gguf-bombs.ts';

const tiny = readFileSync(fileURLToPath(new URL('../../models/tiny/llmesh-tiny.gguf', import.meta.url)));
const read = (bytes: Uint8Array) =>
  readGgufHeader({ sizeBytes: bytes.byteLength, head: async (length) => bytes.subarray(0, length) });

describe('a model file that is made to do harm', () => {
  it.each(GGUF_BOMBS.filter(({ refused }) => refused === 'head'))('is refused by its head: $name', async ({ make }) => {
    await expect(read(make(tiny))).rejects.toMatchObject({ code: 'model_unreadable' });
  });

  it('is one that could be read otherwise', async () => {
    expect((await read(tiny)).architecture).toBe('llama');
    for (const { make } of GGUF_BOMBS.filter(({ refused }) => refused !== 'head')) await read(make(tiny));
  });
});
