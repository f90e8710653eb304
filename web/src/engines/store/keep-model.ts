/**
 * Takes a file of the visitor's own into the store as a model for this device, once its head was read within bounds and says that
 * a browser can run it. In a worker, as the page must not wait for it.
 */
import { bytesToHex } from '@noble/hashes/utils.js';
import type { ContentId } from '@llmesh/core/base/ids';
import type { GgufHeader } from '@llmesh/core/gguf/gguf-header';
import { headerOf, plainName, refused } from '@llmesh/core/gguf/own-file';
import type { PieceStore } from '@llmesh/core/models/piece-store';
import { WASM_FILE_BYTES } from '@llmesh/core/policy/catalogue';
import { chosenFile, keepWhole } from './own-file.ts';

/** As `keep-file.ts` names it: the same file is kept once, however it came. */
const ONLY_FILE = { format: 'gguf', path: 'model.gguf' } as const;
const CONVERT =
  'Models are GGUF files here: look for one of the same name, or convert it with convert_hf_to_gguf.py of llama.cpp.';
/** More context takes memory that a browser does not have. */
const MOST_CONTEXT_TOKENS = 4_096;
const LEAST_CONTEXT_TOKENS = 128;
/** llama.cpp's buffers at run time. */
const BUFFER_BYTES = 200_000_000;
/** A key or a value of one head, as a 16-bit number. */
const NUMBER_BYTES = 2;
/** What people call the commonest types of tensors, by their number in the file. */
const QUANTS: Readonly<Record<number, string>> = {
  ...{ 0: 'f32', 1: 'f16', 30: 'bf16', 2: 'q4', 3: 'q4', 6: 'q5', 7: 'q5', 8: 'q8', 10: 'q2', 11: 'q3', 12: 'q4' },
  ...{ 13: 'q5', 14: 'q6', 15: 'q8', 20: 'q4', 23: 'q4', 16: 'q2', 17: 'q2', 18: 'q3', 21: 'q3', 39: 'q4' },
};

export interface NewModel {
  content: ContentId;
  sha256: string;
  name: string;
  /** "q4"; empty: it has types of its own. */
  quant: string;
  parameters: number;
  sizeBytes: number;
  memoryBytes: number;
  contextTokens: number;
}

/** Rejects with model_unreadable in words for people, or as the store does. `onProgress` gets shares from 0 to 1. */
export async function keepModel(
  store: PieceStore,
  { file, name: called }: { file: Blob; name: string },
  onProgress: (share: number) => void,
): Promise<NewModel> {
  const own = chosenFile(file, plainName(called));
  const { sizeBytes } = own;
  if (sizeBytes === 0) throw refused(own.name, 'is empty.');
  if (sizeBytes > WASM_FILE_BYTES) {
    throw refused(
      own.name,
      `has ${(sizeBytes / 1e9).toFixed(1)} GB, and a browser can run 2 GB. Run it with the llmesh command, or take a smaller one.`,
    );
  }
  const header = await headerOf(own, CONVERT);
  const fault = faultOf(header);
  if (fault !== null) throw refused(own.name, fault);
  const contextTokens = Math.min(MOST_CONTEXT_TOKENS, header.contextTokens ?? MOST_CONTEXT_TOKENS);
  const { content, sha256 } = await keepWhole(store, own, ONLY_FILE, onProgress);
  return {
    ...{ content, sha256: bytesToHex(sha256), sizeBytes, contextTokens },
    name: plainName(textOf(header, 'general.name')) || own.name || 'A model',
    quant: quantOf(header),
    parameters: Math.max(1, parametersOf(header)),
    memoryBytes: sizeBytes + contextBytes(header, contextTokens) + BUFFER_BYTES,
  };
}

/** Why it is not a language model that runs here, as the end of a sentence that its name begins; null: it is one. */
function faultOf(header: GgufHeader): string | null {
  const type = textOf(header, 'general.type');
  if (type === 'adapter')
    return 'is an adapter, and no model. Add it on Chat, under “Adapters”, and ask a model with it.';
  if (type !== '' && type !== 'model') return 'is a part of a model, and cannot answer by itself.';
  if (numberOf(header, 'split.count') > 1) return 'is one of several parts. Join them with llama-gguf-split first.';
  if (header.tensors.length === 0) return 'has no numbers in it. Download it again.';
  if (textOf(header, 'tokenizer.ggml.model') === '') return 'has no vocabulary, so it is no language model.';
  if (header.contextTokens !== null && header.contextTokens < LEAST_CONTEXT_TOKENS) {
    return `reads ${header.contextTokens} tokens at most, which is too few for a question.`;
  }
  return null;
}

function parametersOf({ tensors }: GgufHeader): number {
  return tensors.reduce((sum, { dimensions }) => sum + dimensions.reduce((all, one) => all * one, 1), 0);
}

/** The type that most of its numbers have. */
function quantOf({ tensors }: GgufHeader): string {
  const numbers = new Map<number, number>();
  for (const { type, dimensions } of tensors) {
    numbers.set(type, (numbers.get(type) ?? 0) + dimensions.reduce((all, one) => all * one, 1));
  }
  const [most] = [...numbers].toSorted(([, a], [, b]) => b - a);
  return QUANTS[most?.[0] ?? -1] ?? '';
}

/** What the tokens of a full context take, as llama.cpp keeps them. */
function contextBytes(header: GgufHeader, contextTokens: number): number {
  const { architecture } = header;
  const of = (key: string) => numberOf(header, `${architecture}.${key}`);
  const heads = of('attention.head_count') || 1;
  const width = (of('embedding_length') / heads) * (of('attention.head_count_kv') || heads);
  return 2 * of('block_count') * width * contextTokens * NUMBER_BYTES;
}

function textOf({ fields }: GgufHeader, key: string): string {
  const value = fields.get(key)?.value;
  return typeof value === 'string' ? value : '';
}

function numberOf({ fields }: GgufHeader, key: string): number {
  const value = fields.get(key)?.value;
  return typeof value === 'number' && Number.isFinite(value) ? value : 0;
}
