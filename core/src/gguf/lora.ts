/**
 * What the head of a GGUF file says of an adapter (LoRA, https://arxiv.org/abs/2106.09685), as llama.cpp's
 * `convert_lora_to_gguf.py` writes it: whether it is one, what it is made for, and whether its numbers are any.
 */
import type { AdapterBase } from '../wire/model-advert.ts';
import type { GgufHeader } from './gguf-header.ts';
import { GGUF_TYPES } from './gguf-reader.ts';
import type { GgufTensor } from './gguf-tensor.ts';

/** The largest adapter that travels with a question. Those of models with 8B parameters take some 20 to 200 MB. */
export const MAX_BROUGHT_BYTES = 50_000_000;
/** The types that converters write, and that llama.cpp multiplies by on every device, by their number in the file. */
export const [F32, F16, Q8_0, BF16] = [0, 1, 8, 30];
const TYPES: ReadonlySet<number> = new Set([F32, F16, Q8_0, BF16]);
const ALPHA = 'adapter.lora.alpha';
/** The norms, which llama.cpp leaves as the model has them. */
const IGNORED = /_norm\.weight$/;
/** Matrices that read the token as it is inside the model, and those that write it. */
const READS = /^(?:blk\.\d+\.(?:attn_(?:q|k|v|qkv)|ffn_(?:gate|up)(?:_exps)?)|output)\.weight$/;
const WRITES = /^blk\.\d+\.(?:attn_output|ffn_down(?:_exps)?)\.weight$/;
/** A whole number of blocks of each type. */
const READ_BYTES = 34 * 32_768;

export interface Lora {
  /** What its author called it; empty: nothing. */
  name: string;
  /** Of the model that it is made for. */
  architecture: string;
  /** The largest of its matrices. */
  rank: number;
  /** Numbers of a token inside that model; null: its matrices do not tell. */
  width: number | null;
  /** So many at least. */
  layers: number;
}

/** Why it cannot be used, as the end of a sentence that its name begins; null: it is an adapter. */
export function loraFault({ fields, tensors }: GgufHeader): string | null {
  const value = (key: string) => fields.get(key)?.value;
  if (value('general.type') !== 'adapter') {
    return value('general.architecture') === undefined || tensors.length === 0
      ? 'is not an adapter. Choose a LoRA.'
      : 'is not an adapter, but a whole model. Choose the small file that was trained for it.';
  }
  if (value('adapter.type') !== 'lora') return 'is an adapter, but not a LoRA. Other kinds do not run here.';
  if ([...fields.keys()].some((key) => key.startsWith('adapter.alora'))) {
    return 'is an activated LoRA (aLoRA), which does not run here. Use a plain LoRA.';
  }
  const count = value('split.count');
  if (count !== undefined && count !== 0 && count !== 1) {
    return 'is one part of several. Merge them to one file with llama-gguf-split --merge.';
  }
  // llama.cpp ends the process at any other type.
  if ((fields.get(ALPHA)?.type ?? GGUF_TYPES.float32) !== GGUF_TYPES.float32) {
    return `is malformed: ${ALPHA} is not a 32-bit float. Convert it again with convert_lora_to_gguf.py.`;
  }
  return null;
}

/** What it is made for, or why it cannot be that of any model, as the end of a sentence that its name begins. */
export function readLora(header: GgufHeader): Lora | string {
  const fault = loraFault(header);
  if (fault !== null) return fault;
  const halves = new Map<string, { a?: GgufTensor; b?: GgufTensor }>();
  for (const tensor of header.tensors) {
    if (IGNORED.test(tensor.name)) continue;
    const [, matrix, half] = /^(.+)\.lora_([ab])$/.exec(tensor.name) ?? [];
    if (matrix === undefined) return `contains what no LoRA has (${tensor.name}).`;
    if (!TYPES.has(tensor.type)) return `contains numbers of a kind that adapters do not have (${tensor.name}).`;
    halves.set(matrix, { ...halves.get(matrix), [half === 'a' ? 'a' : 'b']: tensor });
  }
  if (halves.size === 0) return 'changes nothing in any model.';
  let [rank, layers] = [0, 0];
  const widths = new Set<number>();
  for (const [name, { a, b }] of halves) {
    if (a === undefined || b === undefined) return `has only one half of ${name}.`;
    const shared = name === 'token_embd.weight' ? a.dimensions[0] : a.dimensions[1];
    if (shared === undefined || shared !== b.dimensions[0])
      return `has two halves of ${name} that do not fit together.`;
    rank = Math.max(rank, shared);
    const [, block] = /^blk\.(\d{1,5})\./.exec(name) ?? [];
    if (block !== undefined) layers = Math.max(layers, Number(block) + 1);
    if (READS.test(name)) widths.add(a.dimensions[0] ?? 0);
    if (WRITES.test(name)) widths.add(b.dimensions[1] ?? 0);
  }
  if (widths.size > 1) return 'is not for one model: its matrices are of different widths.';
  const [width = null] = widths;
  const name = header.fields.get('general.name')?.value;
  return { name: typeof name === 'string' ? name : '', architecture: header.architecture, rank, width, layers };
}

/** Why it does not fit this model, as the end of a sentence that its name begins; null: nothing speaks against it. */
export function loraMisfit({ architecture, width, layers }: Lora, base: AdapterBase): string | null {
  if (architecture !== base.architecture) {
    return `is made for models of the kind ${architecture || '(not said)'}, and this one is ${base.architecture}.`;
  }
  if (width !== null && width !== base.width) return 'is made for a model of another size.';
  return layers > base.layers ? 'is made for a larger model.' : null;
}

/** The first tensor with a number that is infinite or none at all, which would spoil every answer; null: all are numbers. */
export async function spoiltTensor(
  tensors: readonly GgufTensor[],
  read: (from: number, to: number) => Promise<Uint8Array>,
): Promise<string | null> {
  for (const { name, type, dimensions, start } of tensors) {
    const sizeBytes = bytesOf(type, dimensions);
    for (let at = 0; at < sizeBytes; at += READ_BYTES) {
      const bytes = await read(start + at, start + Math.min(sizeBytes, at + READ_BYTES));
      if (!areNumbers(type, bytes)) return name;
    }
  }
  return null;
}

function bytesOf(type: number, dimensions: readonly number[]): number {
  const numbers = dimensions.reduce((product, size) => product * size, 1);
  if (type === F32) return numbers * 4;
  if (type === Q8_0) return (numbers / 32) * 34;
  return type === F16 || type === BF16 ? numbers * 2 : 0;
}

/** An exponent of nothing but ones is that of infinity, or of no number at all. */
function areNumbers(type: number, bytes: Uint8Array): boolean {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  // Q8_0 has one half-float for each 32 numbers; of F32 the upper half tells.
  const [step, offset, mask] =
    type === F32 ? [4, 2, 0x7f80] : type === BF16 ? [2, 0, 0x7f80] : type === F16 ? [2, 0, 0x7c00] : [34, 0, 0x7c00];
  for (let at = offset; at + 1 < bytes.byteLength; at += step) {
    if ((view.getUint16(at, true) & mask) === mask) return false;
  }
  return true;
}
