/** For the fuzzer: what is packed within the messages of tasks, as each kind reads it. */
import { encode } from '@msgpack/msgpack';
import { chat } from '../tasks/chat.ts';
import { embedding } from '../tasks/embedding.ts';
import type { Schema } from '../tasks/task-kind.ts';
import { packBody, readBody } from '../wire/body.ts';
import type { FuzzTarget } from './fuzz.ts';

const ids = (count: number) => Array.from({ length: count }, () => 0x7fff_ffff);
const asked = { turns: [{ role: 'user', content: 'hi' }], sampling: {}, prefix: null };

const questions: unknown[] = [
  {
    turns: [
      { role: 'system', content: 'Answer briefly.' },
      { role: 'user', content: 'What is LLMesh? 🦀' },
    ],
    sampling: { temperature: 0, topP: 0.9, topK: 40, minP: 0.1, seed: 5, repeatPenalty: 1.1, logitBias: [[7, -100]] },
    prefix: null,
  },
  { ...asked, adapter: 'ab'.repeat(32), brings: 'cd'.repeat(32), logprobs: 2 },
  { ...asked, schema: '{"type":"array"}', prefix: { text: '[', tokens: 1, tokenIds: [91] } },
];
/** As large as they can be, and what is said of them a lie. */
const nastyQuestions: unknown[] = [
  { ...asked, prefix: { text: 'a', tokens: 4_096, tokenIds: ids(4_096) } },
  { ...asked, prefix: { text: 'a'.repeat(320_000), tokens: 640, tokenIds: null } },
  { ...asked, prefix: { text: '\ud83d'.repeat(262_144), tokens: 1, tokenIds: ids(4_096) } },
  { ...asked, turns: Array.from({ length: 2_049 }, () => ({ role: 'user', content: '' })) },
];
const words: unknown[] = [
  { text: ' a network', tokenIds: [70_000, 2] },
  { text: 'a', promptTokens: 12, logprobs: [{ text: 'a', logprob: -0.5, top: [{ text: '\ufffd', logprob: -1 }] }] },
];
const nastyWords: unknown[] = [
  { text: 'a', tokenIds: ids(4_096) },
  {
    text: '\ud83d'.repeat(65_536),
    logprobs: Array.from({ length: 4_096 }, () => ({ text: '', logprob: -1e308, top: [] })),
  },
];
const texts: unknown[] = [{ texts: ['A frog.', 'A newt.'] }];
const vectors: unknown[] = [{ vector: new Uint8Array([0, 0, 128, 63]), promptTokens: 4 }];
const nastyVectors: unknown[] = [{ vector: new Uint8Array(32_768).fill(0xff), promptTokens: 9e15 }];

export function taskDecoders(): FuzzTarget[] {
  return [
    body('questions', 20, chat.input, questions, nastyQuestions),
    body('words', 20, chat.piece, words, nastyWords),
    body('ends', 2, chat.result, [{ finish: 'length' }], []),
    body('texts', 4, embedding.input, texts, []),
    body('vectors', 4, embedding.piece, vectors, nastyVectors),
  ];
}

function body(
  name: string,
  weight: number,
  schema: Schema<unknown>,
  values: readonly unknown[],
  nasty: readonly unknown[],
): FuzzTarget {
  return {
    name,
    weight,
    values,
    write: (value) => encode(value, { maxDepth: 100 }),
    seeds: values.map(packBody),
    nasty: nasty.map((value) => encode(value, { maxDepth: 100 })),
    run: (input) => {
      const read = readBody(schema, input);
      if (read === null) return false;
      const again = readBody(schema, packBody(read));
      if (again === null || packBody(again).join() !== packBody(read).join()) {
        throw new Error('a body changes when it is passed on');
      }
      return true;
    },
  };
}
