/** What is made of a library's own words, without the library: that it runs is shown by `webllm-real.test.ts`. */
import { expect } from '@playwright/test';
import { madeModel } from '../src/made-model.ts';
import { test } from '../src/visit.ts';

const METADATA = JSON.stringify({
  model_type: 'qwen2',
  params: [
    { name: 'model.embed_tokens.q_weight', shape: [300, 8], dtype: 'uint32', preprocs: [] },
    { name: 'model.embed_tokens.q_scale', shape: [300, 2], dtype: 'float16', preprocs: [] },
    { name: 'model.norm.weight', shape: [4], dtype: 'float32', preprocs: [] },
  ],
  context_window_size: 512,
  memory_usage: { decode: 1 },
});
const library = (encoding: 'utf8' | 'utf16le') =>
  Buffer.concat([
    Buffer.from([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]),
    Buffer.from('{"params" is no JSON { here', encoding),
    Buffer.from(METADATA, encoding),
    Buffer.from([0, 0, 1, 0x7b]),
  ]);

test('the files of a made model follow from the metadata in the library, in either encoding', () => {
  const files = madeModel(library('utf8'));
  expect(madeModel(library('utf16le'))).toEqual(files);
  const config = JSON.parse(String(files['mlc-chat-config.json']));
  expect(config).toMatchObject({ model_type: 'qwen2', vocab_size: 300, context_window_size: 512 });
  const { records } = JSON.parse(String(files['tensor-cache.json']));
  expect(records).toHaveLength(1);
  expect(
    records[0].records.map(({ name, byteOffset, nbytes }: Record<string, unknown>) => [name, byteOffset, nbytes]),
  ).toEqual([
    ['model.embed_tokens.q_weight', 0, 9_600],
    ['model.embed_tokens.q_scale', 9_600, 1_200],
    ['model.norm.weight', 10_800, 16],
  ]);
  const shard = files['params_shard_0.bin'];
  expect(shard?.length).toBe(10_816);
  expect([0, 4, 8, 12].map((at) => shard?.readFloatLE(10_800 + at))).toEqual([1, 1, 1, 1]);
  const { vocab } = JSON.parse(String(files['tokenizer.json'])).model;
  expect(new Set(Object.values(vocab)).size).toBe(300);
});

test('a library that does not tell its parameters is refused', () => {
  expect(() => madeModel(Buffer.from('{"params":[{"name":"text"}]}'))).toThrow('does not say');
  expect(() => madeModel(Buffer.from(''))).toThrow('does not say');
});
