/** Whether a file is an adapter (LoRA), and fits a given model: llama.cpp ends the process at some that do not. */
import { open } from 'node:fs/promises';
import * as v from 'valibot';
import { GgmlType, type GgufFileInfo } from 'node-llama-cpp';
import { cancelled, MeshError } from '@llmesh/core/base/errors';
import { loraFault, readLora, spoiltTensor } from '@llmesh/core/gguf/lora';
import { AdapterBaseSchema, type AdapterBase } from '@llmesh/core/wire/model-advert';
import { readGgufInfo, readHeaders } from '../gguf-info.ts';
import { withoutPart } from '../split-files.ts';

const YOURS = 'Your adapter';
/** The types that converters write, and that llama.cpp multiplies by on every device. */
const TYPES: ReadonlySet<GgmlType> = new Set([GgmlType.F32, GgmlType.F16, GgmlType.BF16, GgmlType.Q8_0]);
/** The norms, which llama.cpp leaves as the model has them. */
const IGNORED = /_norm\.weight$/;

/** Throws model_unreadable, with what to do instead. `name`: for a person. */
export async function readAdapter(file: string, name: string, signal: AbortSignal): Promise<GgufFileInfo> {
  const { info, header } = await readBoth(file, name, signal);
  if (!isAdapter(info)) {
    throw unreadable(name, 'is not an adapter. A whole model is lent with --model; adapters end in .gguf, too.');
  }
  const fault = loraFault(header);
  if (fault !== null) throw unreadable(name, fault);
  if (withoutPart(file) !== file.replace(/\.gguf$/i, '')) {
    throw unreadable(name, 'is one part of several. Merge them to one file with llama-gguf-split --merge.');
  }
  return info;
}

/** Throws model_unreadable, in words for whoever brought it, when this file is no adapter for the model in that file. */
export async function checkAdapter(file: string, model: string): Promise<void> {
  const never = new AbortController().signal;
  const { info, header } = await readBoth(file, YOURS, never);
  const lora = readLora(header);
  if (typeof lora === 'string') throw unreadable(YOURS, lora);
  const misfit = misfitOf(info, await readGgufInfo(model, never));
  if (misfit !== null) throw unreadable(YOURS, `${misfit}. Choose the model that it was made for, or another adapter.`);
  const handle = await open(file, 'r');
  try {
    const spoilt = await spoiltTensor(header.tensors, async (from, to) => {
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(to - from), 0, to - from, from);
      return buffer.subarray(0, bytesRead);
    });
    if (spoilt !== null)
      throw unreadable(YOURS, `has numbers in it that are none (${spoilt}). Train or convert it again.`);
  } finally {
    await handle.close();
  }
}

/** What an adapter has to be made for, to fit this model; null: it does not say. */
export function adapterBaseOf({ metadata }: GgufFileInfo): AdapterBase | null {
  const { architecture } = metadata.general;
  const of: unknown = Reflect.get(metadata, architecture);
  const base = { architecture, width: field(of, 'embedding_length'), layers: field(of, 'block_count') };
  return v.is(AdapterBaseSchema, base) ? base : null;
}

/** Whether the file says that it is an adapter, of any kind. */
export function isAdapter({ metadata }: GgufFileInfo): boolean {
  return field(metadata.general, 'type') === 'adapter';
}

/** Why this adapter does not fit this model, as the end of a sentence; null: it fits. */
export function misfitOf(adapter: GgufFileInfo, base: GgufFileInfo): string | null {
  const [its, ours] = [adapter, base].map(({ metadata }) => metadata.general.architecture);
  if (its !== ours) return `is made for ${its}, and the model is ${ours}`;
  const matrices = new Map((base.fullTensorInfo ?? []).map(({ name, dimensions }) => [name, sizesOf(dimensions)]));
  const pairs = new Map<string, { a?: number[]; b?: number[] }>();
  for (const { name, dimensions, ggmlType } of adapter.fullTensorInfo ?? []) {
    if (IGNORED.test(name)) continue;
    const [, matrix, half] = /^(.+)\.lora_([ab])$/.exec(name) ?? [];
    if (matrix === undefined) return `contains what no LoRA has (${name})`;
    if (!TYPES.has(ggmlType))
      return `contains numbers of a kind that adapters do not have (${GgmlType[ggmlType]}, ${name})`;
    pairs.set(matrix, { ...pairs.get(matrix), [half === 'a' ? 'a' : 'b']: sizesOf(dimensions) });
  }
  if (pairs.size === 0) return 'changes nothing in it';
  for (const [name, { a, b }] of pairs) {
    const matrix = matrices.get(name);
    if (matrix === undefined) return `changes ${name}, which the model does not have`;
    if (a === undefined || b === undefined) return `has only one half of ${name}`;
    // Input and output share one matrix there, and llama.cpp would use one for the other.
    if (name === 'token_embd.weight' && !matrices.has('output.weight'))
      return `changes ${name}, which does not run here`;
    if (!fits(name, matrix, a, b)) return `is made for a model of another size (${name})`;
  }
  return null;
}

/** Checks the shapes as llama.cpp multiplies: by A, then by B; for the embedding it takes rows of A. */
function fits(name: string, matrix: number[], a: number[], b: number[]): boolean {
  const [inputs, outputs, experts, rest] = matrix;
  if (a[2] !== experts || b[2] !== experts || a[3] !== rest || b[3] !== rest) return false;
  if (name === 'token_embd.weight') return b[1] === inputs && a[1] === outputs && a[0] === b[0];
  return a[0] === inputs && b[1] === outputs && a[1] === b[0];
}

/** Always four dimensions, as in ggml. */
function sizesOf(dimensions: readonly (number | bigint)[]): number[] {
  return [0, 1, 2, 3].map((i) => Number(dimensions[i] ?? 1));
}

async function readBoth(file: string, name: string, signal: AbortSignal) {
  try {
    const [header] = await readHeaders(file);
    return { header, info: await readGgufInfo(file, signal) };
  } catch (cause) {
    if (signal.aborted) throw cancelled();
    throw new MeshError('model_unreadable', `${name} is damaged or cut short. Download it again.`, { cause });
  }
}

function field(of: unknown, key: string): unknown {
  return typeof of === 'object' && of !== null ? Reflect.get(of, key) : undefined;
}

function unreadable(name: string, why: string): MeshError {
  return new MeshError('model_unreadable', `${name} ${why}`);
}
