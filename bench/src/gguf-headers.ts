/** For the fuzzer: heads of model files, which a browser downloads from wherever the catalogue or its owner says. */
import { readGgufHeader } from '@llmesh/core/gguf/gguf-header';
import { readFileSync } from 'node:fs';
import type { FuzzTarget } from '@llmesh/core/fuzz/fuzz';
import { checkRefusal } from '@llmesh/core/fuzz/refusal';
import { GGUF_BOMBS } from '../../native-worker/src/testing/gguf-bombs.ts';

/** Where a head does harm it does so early. */
const MAX_BOMB_BYTES = 65_536;

const [U32, F32, STRING, ARRAY] = [4, 6, 8, 9];

export function ggufHeaders(): FuzzTarget {
  const run = async (input: Uint8Array) => {
    try {
      const header = await readGgufHeader({
        sizeBytes: input.byteLength,
        head: async (length) => input.subarray(0, length),
      });
      return typeof header.architecture === 'string';
    } catch (thrown) {
      checkRefusal(thrown);
      return false;
    }
  };
  const tiny = readFileSync(new URL('../../models/tiny/llmesh-tiny.gguf', import.meta.url));
  const nasty = GGUF_BOMBS.map(({ make }) => make(tiny).slice(0, MAX_BOMB_BYTES));
  return { name: 'GGUF heads', weight: 20, seeds: [gguf(2), gguf(3)], nasty, run };
}

/** A model of one tensor and no weights to speak of: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md */
function gguf(version: number): Uint8Array {
  const head = Buffer.concat([
    ...[Buffer.from('GGUF'), u32(version), u64(1), u64(6)],
    ...[text('general.architecture'), u32(STRING), text('llama')],
    ...[text('llama.context_length'), u32(U32), u32(4096)],
    ...[text('tokenizer.ggml.tokens'), u32(ARRAY), u32(STRING), u64(2), text('a'), text('<|im_end|>')],
    ...[text('tokenizer.ggml.scores'), u32(ARRAY), u32(F32), u64(2), Buffer.alloc(8)],
    ...[text('tokenizer.ggml.eos_token_id'), u32(U32), u32(1)],
    ...[text('tokenizer.chat_template'), u32(STRING), text('{{ messages }}')],
    ...[text('token_embd.weight'), u32(2), u64(8), u64(2), u32(0), u64(0)],
  ]);
  // The weights begin at a multiple of 32.
  return Buffer.concat([head, Buffer.alloc(64 + ((32 - (head.length % 32)) % 32))]);
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

function u64(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([u64(bytes.byteLength), bytes]);
}
