import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { readGgufHeader } from '@llmesh/core/gguf/gguf-header';
import { GGUF_BOMBS } from '../testing/gguf-bombs.ts';
import { Running } from '../testing/process.ts';

const tiny = readFileSync(fileURLToPath(new URL('../../../models/tiny/llmesh-tiny.gguf', import.meta.url)));
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

describe('llmesh worker, given a model file that is made to do harm', () => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'llmesh-bombs-'));
  afterAll(() => rmSync(folder, { recursive: true }));

  // These are found out last, as they would run for ever; `npm run attack` tries more.
  it.each(['template-loops'])(
    'says what is wrong and ends, and takes little memory: %s',
    async (name) => {
      const file = path.join(folder, `${name}.gguf`);
      writeFileSync(file, GGUF_BOMBS.find((bomb) => bomb.name === name)?.make(tiny) ?? '');
      // The system ends it where it takes more memory.
      const args = ['worker', '--model', file, '--mesh', 'http://127.0.0.1:9', '--gpu', 'off', '--threads', '1'];
      const worker = new Running(
        ['-c', 'ulimit -d 2000000; exec "$0" native-worker/bin/llmesh.mjs "$@"', process.execPath, ...args].concat(
          '--data',
          folder,
          '--json',
        ),
        {},
        '/bin/sh',
      );
      expect(await worker.exited).toBe(1);
      expect(worker.lines).toContainEqual({
        error: expect.objectContaining({ code: 'model_unreadable', message: expect.stringMatching(/\S/) }),
      });
    },
    120_000,
  );
});
