import fc from 'fast-check';
import { expect, it } from 'vitest';
import { MAX_HEADER_BYTES, readGgufHeader } from './gguf-header.ts';

const unreadable = { code: 'model_unreadable' };
const STRING = 8;
const ARRAY = 9;
const U32 = 4;
const I32 = 5;
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
    ['output_norm.weight', 0n],
    ['blk.0.attn_norm.weight', 1024n],
  ] as const) {
    text(name);
    u32(1);
    u64(256n);
    u32(0);
    u64(offset);
  }
  // The weights begin at a multiple of 32.
  while (parts.length % 32 !== 0) parts.push(0);
  raw(new Uint8Array(2048));
  return new Uint8Array(parts);
}

/** `read`: the longest beginning that was asked for. */
function sourceOf(bytes: Uint8Array, sizeBytes = bytes.byteLength) {
  const source = {
    sizeBytes,
    read: 0,
    head: async (length: number) => {
      source.read = Math.max(source.read, length);
      return bytes.subarray(0, length);
    },
  };
  return source;
}

const read = (bytes: Uint8Array) => readGgufHeader(sourceOf(bytes));

it('reads what the engine needs', async () => {
  const header = await read(ggufBytes());
  expect(header).toMatchObject({
    architecture: 'llama',
    contextTokens: 4096,
    chatTemplate: '{{ messages }}',
    eosText: '<|im_end|>',
    tensors: [
      { name: 'output_norm.weight', dimensions: [256], type: 0 },
      { name: 'blk.0.attn_norm.weight', dimensions: [256], type: 0 },
    ],
  });
  expect(header.fields.get('tokenizer.ggml.scores')).toMatchObject({ type: ARRAY, list: { type: F32, length: 3 } });
});

it('names a file that is not a GGUF, or empty, or of an unknown version', async () => {
  await expect(read(new TextEncoder().encode('<!doctype html><title>Not found</title>'))).rejects.toMatchObject(
    unreadable,
  );
  await expect(read(new Uint8Array())).rejects.toMatchObject(unreadable);
  await expect(read(ggufBytes({ version: 9 }))).rejects.toMatchObject(unreadable);
});

it('notices a head that is cut off anywhere, and a file that ends before its last tensor does', async () => {
  const whole = ggufBytes();
  for (let length = 1; length < whole.byteLength; length += 7) {
    await expect(read(whole.subarray(0, length))).rejects.toMatchObject(unreadable);
  }
});

it('does not trust the counts of a damaged head', async () => {
  for (const entries of [2n ** 60n, 2n ** 40n, 99_999n]) {
    await expect(read(ggufBytes({ entries }))).rejects.toMatchObject(unreadable);
  }
});

it('reads no more of a file than a head may have, whatever the file says', async () => {
  // It has one text of 32 MB after the other, without end.
  const key = [1, 0, 0, 0, 0, 0, 0, 0];
  const head = [
    ...new TextEncoder().encode('GGUF'),
    3,
    0,
    0,
    0,
    ...Array.from({ length: 8 }, () => 0),
    9,
    ...key.slice(1),
  ];
  const field = (name: number) => [...key, name, STRING, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0];
  const bytes = new Uint8Array(3 * (1 << 25) + 200);
  bytes.set([...head, ...field(97)]);
  bytes.set(field(98), head.length + field(97).length + (1 << 25));
  bytes.set(field(99), head.length + 2 * (field(97).length + (1 << 25)));
  const source = sourceOf(bytes, 2 ** 40);
  await expect(readGgufHeader(source)).rejects.toMatchObject(unreadable);
  expect(source.read).toBe(MAX_HEADER_BYTES);
});

it('says what is wrong, or reads it, whatever is changed anywhere', async () => {
  const whole = ggufBytes();
  const changes = fc.array(
    fc.record({ at: fc.nat(whole.byteLength - 2049), value: fc.integer({ min: 0, max: 255 }) }),
    {
      minLength: 1,
      maxLength: 8,
    },
  );
  await fc.assert(
    fc.asyncProperty(changes, async (changed) => {
      const bytes = whole.slice();
      for (const { at, value } of changed) bytes[at] = value;
      const source = sourceOf(bytes);
      const outcome = await readGgufHeader(source).catch((thrown: unknown) => thrown);
      if (outcome instanceof Error) expect(outcome).toMatchObject(unreadable);
      // It keeps no more than there are bytes, whatever a count says.
      else {
        const { fields, tensors } = outcome as Awaited<ReturnType<typeof readGgufHeader>>;
        const kept = [...fields.values()].reduce(
          (sum, { list }) => sum + (list?.words?.length ?? 0) + (list?.numbers?.length ?? 0),
          fields.size + tensors.length,
        );
        expect(kept).toBeLessThanOrEqual(bytes.byteLength);
      }
    }),
    { numRuns: 3_000 },
  );
});

it('reads a vocabulary of 150,000 words', async () => {
  const words = Array.from({ length: 150_000 }, (_, i) => `word${i}`);
  const bytes = vocabulary(words);
  const { fields } = await read(bytes);
  const kept = fields.get('tokenizer.ggml.tokens')?.list?.words;
  expect([kept?.length, kept?.at(-1)]).toEqual([words.length, words.at(-1)]);
  await expect(read(vocabulary([...words, 'word7']))).rejects.toMatchObject(unreadable);
});

/** A file that consists of nothing else. */
function vocabulary(words: readonly string[]): Uint8Array {
  const encoder = new TextEncoder();
  const bytes = new Uint8Array(400 + words.reduce((sum, word) => sum + 8 + word.length, words.length * 4));
  const view = new DataView(bytes.buffer);
  let at = 0;
  const u32 = (value: number) => {
    view.setUint32(at, value, true);
    at += 4;
  };
  const u64 = (value: number) => {
    u32(value);
    u32(0);
  };
  const text = (value: string) => {
    u64(value.length);
    at += encoder.encodeInto(value, bytes.subarray(at)).written;
  };
  at = encoder.encodeInto('GGUF', bytes).written;
  u32(3);
  u64(0);
  u64(2);
  text('tokenizer.ggml.tokens');
  for (const value of [ARRAY, STRING]) u32(value);
  u64(words.length);
  for (const word of words) text(word);
  text('tokenizer.ggml.token_type');
  for (const value of [ARRAY, I32]) u32(value);
  u64(words.length);
  at += words.length * 4;
  return bytes.subarray(0, at);
}
