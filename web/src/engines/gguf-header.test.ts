import { expect, it } from 'vitest';
import { readGgufHeader } from './gguf-header.ts';

const unreadable = { code: 'model_unreadable' };
const STRING = 8;
const ARRAY = 9;
const U32 = 4;
const F32 = 6;

/** A GGUF of two tensors, as gguf.md lays it out. */
function ggufBytes({
  version = 3,
  entries = 6n,
}: { version?: number; entries?: bigint } = {}): Uint8Array<ArrayBuffer> {
  const parts: number[] = [];
  const raw = (bytes: Uint8Array) => parts.push(...bytes);
  const u32 = (value: number) => raw(new Uint8Array(new Uint32Array([value]).buffer));
  const u64 = (value: bigint) => raw(new Uint8Array(new BigUint64Array([value]).buffer));
  const text = (value: string) => {
    const bytes = new TextEncoder().encode(value);
    u64(BigInt(bytes.byteLength));
    raw(bytes);
  };
  raw(new TextEncoder().encode('GGUF'));
  u32(version);
  u64(2n);
  u64(entries);
  text('general.architecture');
  u32(STRING);
  text('llama');
  text('llama.context_length');
  u32(U32);
  u32(4096);
  text('tokenizer.ggml.tokens');
  u32(ARRAY);
  u32(STRING);
  u64(3n);
  for (const token of ['<unk>', 'wörd', '<|im_end|>']) text(token);
  text('tokenizer.ggml.scores');
  u32(ARRAY);
  u32(F32);
  u64(3n);
  raw(new Uint8Array(12));
  text('tokenizer.ggml.eos_token_id');
  u32(U32);
  u32(2);
  text('tokenizer.chat_template');
  u32(STRING);
  text('{{ messages }}');
  for (const [name, offset] of [
    ['token_embd.weight', 0n],
    ['output_norm.weight', 1024n],
  ] as const) {
    text(name);
    u32(1);
    u64(256n);
    u32(0);
    u64(offset);
  }
  raw(new Uint8Array(2048));
  return new Uint8Array(parts);
}

it('reads what the engine needs', async () => {
  expect(await readGgufHeader(new Blob([ggufBytes()]))).toEqual({
    architecture: 'llama',
    contextTokens: 4096,
    chatTemplate: '{{ messages }}',
    eosText: '<|im_end|>',
  });
});

it('names a file that is none, or empty, or of an unknown version', async () => {
  await expect(readGgufHeader(new Blob(['<!doctype html><title>Not found</title>']))).rejects.toMatchObject(unreadable);
  await expect(readGgufHeader(new Blob([]))).rejects.toMatchObject(unreadable);
  await expect(readGgufHeader(new Blob([ggufBytes({ version: 9 })]))).rejects.toMatchObject(unreadable);
});

it('notices wherever the head is cut off, and a file that ends before its last tensor', async () => {
  const whole = ggufBytes();
  for (let length = 1; length < whole.byteLength - 1024; length += 7) {
    await expect(readGgufHeader(new Blob([whole.subarray(0, length)]))).rejects.toMatchObject(unreadable);
  }
});

it('does not trust the counts of a damaged head', async () => {
  for (const entries of [2n ** 60n, 2n ** 40n, 99_999n]) {
    await expect(readGgufHeader(new Blob([ggufBytes({ entries })]))).rejects.toMatchObject(unreadable);
  }
});
