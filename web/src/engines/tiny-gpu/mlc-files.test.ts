import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { readGgufHeader, type GgufHeader } from '@llmesh/core/gguf/gguf-header';
import { KEPT_LISTS, mlcFilesOf, SHARD } from './mlc-files.ts';
import { stackOf } from './q8-stack.ts';
import { isTiny, TINY_SHAPE } from './tiny-shape.ts';

const TINY = join(import.meta.dirname, '../../../../models/tiny/llmesh-tiny.gguf');
let bytes: Uint8Array;
let header: GgufHeader;
beforeAll(async () => {
  bytes = new Uint8Array(readFileSync(TINY));
  const source = { sizeBytes: bytes.byteLength, head: async (length: number) => bytes.subarray(0, length) };
  header = await readGgufHeader(source, KEPT_LISTS);
});

describe('the tiny model for web-llm', () => {
  it('is made of the file that is shipped, and of no other', () => {
    expect(isTiny(header)).toBe(true);
    const fields = new Map(header.fields);
    fields.set('llama.rope.freq_base', { type: 6, value: 500_000, list: null });
    expect(isTiny({ ...header, fields })).toBe(false);
    expect(isTiny({ ...header, tensors: header.tensors.slice(1) })).toBe(false);
  });

  it('has every weight, where the list says', () => {
    const files = mlcFilesOf(header, bytes);
    const list = JSON.parse(String(files['tensor-cache.json']));
    const shard = files[SHARD] as Uint8Array<ArrayBuffer>;
    const [{ records, nbytes }] = list.records;
    expect(nbytes).toBe(shard.byteLength);
    expect(records.map(({ name, byteOffset }: Record<string, unknown>) => [name, byteOffset])).toEqual([
      ['words', 0],
      ['numbers', 3_145_728],
    ]);
    // Token 300, columns 64 to 67, as the GGUF has them: rows of blocks, each with its scale in front.
    const embedding = header.tensors.find(({ name }) => name === 'token_embd.weight');
    const block = (embedding?.start ?? 0) + (300 * (TINY_SHAPE.width / 32) + 2) * 34;
    const word = (64 / 4) * TINY_SHAPE.vocabulary + 300;
    expect(shard.slice(4 * word, 4 * word + 4)).toEqual(bytes.slice(block + 2, block + 6));
  });

  it('has the words, the merges and the marks of the file', () => {
    const files = mlcFilesOf(header, bytes);
    const { model, added_tokens: added } = JSON.parse(String(files['tokenizer.json']));
    expect(Object.keys(model.vocab)).toHaveLength(TINY_SHAPE.vocabulary);
    expect(model.merges).toHaveLength(TINY_SHAPE.vocabulary - 256 - 3);
    expect(added.map(({ content }: { content: string }) => content)).toEqual([
      '<|im_start|>',
      '<|im_end|>',
      '<|endoftext|>',
    ]);
  });

  it('asks as the template in the file does', () => {
    const { conv_template: template } = JSON.parse(String(mlcFilesOf(header, bytes)['mlc-chat-config.json']));
    expect(header.chatTemplate).toContain(
      "'<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n'",
    );
    expect(template).toMatchObject({
      roles: { user: '<|im_start|>user' },
      role_content_sep: '\n',
      seps: ['<|im_end|>\n'],
    });
    expect(template.stop_token_ids).toHaveLength(2);
  });
});

describe('stackOf', () => {
  it('puts matrices above each other, by columns, with scales for numbers in the highest byte of a word', () => {
    const row = (scale: number, first: number) => [0, scale << 2, ...Array.from({ length: 32 }, (_, i) => first + i)];
    const one = { rows: 2, columns: 32, bytes: Uint8Array.from([...row(15, 0), ...row(16, 32)]) };
    const other = { rows: 1, columns: 32, bytes: Uint8Array.from(row(15, 64)) };
    const { words, scales } = stackOf([[one, other]]);
    expect([...scales]).toEqual([2 ** -24, 2 ** -23, 2 ** -24]);
    expect([...new Uint8Array(words.buffer).slice(0, 16)]).toEqual([
      0, 1, 2, 3, 32, 33, 34, 35, 64, 65, 66, 67, 4, 5, 6, 7,
    ]);
  });
});
