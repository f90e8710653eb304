/** The tiny model's tokenizer for a model of noise, with as many more words as a real vocabulary has. */
import { join } from 'node:path';
import { readGgufFileInfo } from 'node-llama-cpp';
import type { Field } from './gguf-writer.ts';

const TINY = join(import.meta.dirname, '../../models/tiny/llmesh-tiny.gguf');
/** https://github.com/ggml-org/llama.cpp/blob/master/include/llama.h */
const NORMAL_TOKEN = 1;

export interface SyntheticTokenizer {
  fields: Record<string, Field>;
  size: number;
  /** Its token for the end of an answer. */
  eos: number;
}

/** `size`: left out, there are no more words. */
export async function syntheticTokenizer(size?: number): Promise<SyntheticTokenizer> {
  const { metadata } = await readGgufFileInfo(TINY, { readTensorInfo: false });
  const { tokens, merges } = metadata.tokenizer.ggml;
  const types = (metadata.tokenizer.ggml as { token_type?: number[] }).token_type ?? [];
  if (!Array.isArray(tokens) || !Array.isArray(merges)) throw new Error(`${TINY} has no byte-pair tokenizer`);
  const more = Math.max(0, (size ?? 0) - tokens.length);
  const eos = tokens.indexOf('<|im_end|>');
  return {
    size: tokens.length + more,
    eos,
    fields: {
      'tokenizer.ggml.model': { type: 'string', value: 'gpt2' },
      'tokenizer.ggml.pre': { type: 'string', value: 'gpt-2' },
      'tokenizer.ggml.tokens': {
        type: 'strings',
        value: [...tokens.map(String), ...Array.from({ length: more }, (_, i) => `Ġword${i}`)],
      },
      'tokenizer.ggml.token_type': {
        type: 'int32s',
        value: [...types.map(Number), ...Array.from({ length: more }, () => NORMAL_TOKEN)],
      },
      'tokenizer.ggml.merges': { type: 'strings', value: merges.map(String) },
      'tokenizer.ggml.eos_token_id': { type: 'uint32', value: eos },
      'tokenizer.ggml.add_bos_token': { type: 'bool', value: false },
    },
  };
}
