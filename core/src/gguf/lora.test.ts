import { describe, expect, it } from 'vitest';
import type { GgufHeader } from './gguf-header.ts';
import { GGUF_TYPES, type GgufField } from './gguf-reader.ts';
import { BF16, F16, F32, loraMisfit, Q8_0, readLora, spoiltTensor } from './lora.ts';

type Shape = [name: string, dimensions: number[], type?: number];

const field = (value: string | number | boolean): GgufField => {
  const type = typeof value === 'string' ? GGUF_TYPES.text : typeof value === 'number' ? GGUF_TYPES.float32 : 7;
  return { type, value, list: null };
};
const ADAPTER = {
  'general.type': 'adapter',
  'general.architecture': 'llama',
  'general.name': 'Law',
  'adapter.type': 'lora',
  'adapter.lora.alpha': 8,
};
const QUERY: Shape[] = [
  ['blk.3.attn_q.weight.lora_a', [256, 4]],
  ['blk.3.attn_q.weight.lora_b', [4, 256]],
];

function head(shapes: readonly Shape[], says: Record<string, string | number> = {}): GgufHeader {
  const fields = new Map(Object.entries({ ...ADAPTER, ...says }).map(([key, value]) => [key, field(value)]));
  const tensors = shapes.map(([name, dimensions, type = F32]) => ({ name, dimensions, type, start: 0 }));
  const architecture = String(fields.get('general.architecture')?.value);
  return { architecture, contextTokens: null, chatTemplate: null, eosText: '', fields, tensors };
}

describe('readLora', () => {
  it('tells what an adapter is made for', () => {
    const value: Shape[] = [
      ['blk.11.ffn_down.weight.lora_a', [768, 16], F16],
      ['blk.11.ffn_down.weight.lora_b', [16, 256], Q8_0],
      ['blk.11.attn_norm.weight', [256]],
    ];
    expect(readLora(head([...QUERY, ...value]))).toEqual({
      ...{ name: 'Law', architecture: 'llama', rank: 16, width: 256, layers: 12 },
    });
  });

  it('says nothing about a width that no matrix tells', () => {
    const odd: Shape[] = [
      ['blk.0.ssm_in.weight.lora_a', [99, 4]],
      ['blk.0.ssm_in.weight.lora_b', [4, 7]],
    ];
    expect(readLora(head(odd))).toMatchObject({ width: null, layers: 1 });
  });

  it.each<[string, readonly Shape[], Record<string, string | number>, RegExp]>([
    ['a whole model', QUERY, { 'general.type': 'model' }, /whole model/],
    ['a file without anything in it', [], { 'general.type': 'imatrix' }, /is not an adapter/],
    ['an adapter of another kind', QUERY, { 'adapter.type': 'prefix' }, /not a LoRA/],
    ['an activated one', QUERY, { 'adapter.alora.invocation_tokens': 1 }, /aLoRA/],
    ['a part', QUERY, { 'split.count': 2 }, /one part of several/],
    ['an alpha at which llama.cpp would end', QUERY, { 'adapter.lora.alpha': '8' }, /32-bit float/],
    ['what changes nothing', [], {}, /changes nothing/],
    ['half a pair', QUERY.slice(1), {}, /only one half/],
    ['halves that do not fit', [QUERY[0]!, ['blk.3.attn_q.weight.lora_b', [5, 256]]], {}, /do not fit together/],
    ['strange tensors', [...QUERY, ['blk.0.attn_q.weight', [256, 256]]], {}, /no LoRA has/],
    ['numbers of a strange kind', [['blk.0.attn_q.weight.lora_a', [256, 4], 12]], {}, /kind that adapters/],
    [
      'matrices of two widths',
      [...QUERY, ['blk.0.attn_k.weight.lora_a', [512, 4]], ['blk.0.attn_k.weight.lora_b', [4, 64]]],
      {},
      /different widths/,
    ],
  ])('refuses %s', (_what, shapes, says, why) => {
    expect(readLora(head(shapes, says))).toMatch(why);
  });
});

it.each([
  [{ architecture: 'llama', width: 256, layers: 4 }, null],
  [{ architecture: 'llama', width: 256, layers: 40 }, null],
  [{ architecture: 'qwen2', width: 256, layers: 4 }, /llama.*qwen2/],
  [{ architecture: 'llama', width: 512, layers: 4 }, /another size/],
  [{ architecture: 'llama', width: 256, layers: 3 }, /larger model/],
])('an adapter of four layers and a width of 256 for a model of %j', (base, why) => {
  const lora = readLora(head(QUERY));
  if (typeof lora === 'string') throw new Error(lora);
  const misfit = loraMisfit(lora, base);
  if (why === null) expect(misfit).toBeNull();
  else expect(misfit).toMatch(why);
});

describe('spoiltTensor', () => {
  const numbers = 64;
  const bytesOf = { [F32]: 4 * numbers, [F16]: 2 * numbers, [BF16]: 2 * numbers, [Q8_0]: 2 * 34 };
  const spoils: [type: number, at: number, bytes: number[]][] = [
    [F32, 4 * 63, [0, 0, 0x80, 0x7f]],
    [F32, 0, [1, 0, 0xc0, 0xff]],
    [F16, 2 * 63, [0, 0x7c]],
    [F16, 2, [1, 0xfe]],
    [BF16, 2 * 10, [0x80, 0xff]],
    [Q8_0, 34, [0, 0xfc]],
  ];
  it.each(spoils)('finds what is no number in type %i at %i', async (type, at, wrong) => {
    const file = new Uint8Array(bytesOf[type]! + 10).fill(0x3b);
    const tensors = [{ name: 'a', type, dimensions: [numbers, 1], start: 10 }];
    const read = async (from: number, to: number) => file.subarray(from, to);
    expect(await spoiltTensor(tensors, read)).toBeNull();
    file.set(wrong, 10 + at);
    expect(await spoiltTensor(tensors, read)).toBe('a');
  });

  it('reads large ones in parts', async () => {
    const parts: number[] = [];
    const read = async (from: number, to: number) => {
      parts.push(to - from);
      return new Uint8Array(to - from);
    };
    await spoiltTensor([{ name: 'a', type: F32, dimensions: [4_096, 256], start: 0 }], read);
    expect(parts.reduce((sum, part) => sum + part, 0)).toBe(4 * 4_096 * 256);
    expect(Math.max(...parts)).toBeLessThan(2_000_000);
  });
});
