import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { LlamaContextSequence, LlamaModel, Llama, Token } from 'node-llama-cpp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { seededDraws } from '@llmesh/core/proof/seeds';
import { AnswerDraws } from '../sampling/draws.ts';
import { draftedAnswer } from './drafted-answer.ts';
import { Entrance } from '../context/entrance.ts';
import type { Guesser } from './guesser.ts';
import { seedSteps } from '../sampling/step-seeds.ts';
import { openLlama } from '../context/llama-device.ts';
import { PromptLookup } from './prompt-lookup.ts';
import { CHUNK, AnswerSequence } from '../context/answer-sequence.ts';
import { renderChat } from '@llmesh/core/engine/chat-prompt';
import { CHATML_TEMPLATE } from '@llmesh/core/engine/chat-template';

const tiny = fileURLToPath(new URL('../../../../models/tiny/', import.meta.url));
const questions: { question: string; answer: string }[] = JSON.parse(readFileSync(`${tiny}questions.json`, 'utf8'));
const longest = questions.reduce((a, b) => (b.answer.length > a.answer.length ? b : a));
const CONTEXT_TOKENS = 512;
const none: Guesser = { guess: async () => [] };

describe('draftedAnswer, with llama.cpp', () => {
  let llama: Llama;
  let model: LlamaModel;
  let sequence: LlamaContextSequence;
  let prompt: Token[];
  let expected: Token[];
  const guessed: number[] = [];
  const taken: number[] = [];

  beforeAll(async () => {
    llama = await openLlama('off', 1);
    model = await llama.loadModel({ modelPath: `${tiny}llmesh-tiny.gguf`, useMmap: false });
    const context = await model.createContext({ contextSize: CONTEXT_TOKENS, threads: 1, batchSize: CHUNK });
    sequence = context.getSequence();
    prompt = [
      ...model.tokenize(
        renderChat(
          model.fileInfo.metadata.tokenizer?.chat_template ?? CHATML_TEMPLATE,
          [{ role: 'user', content: longest.question }],
          { bos: '', eos: '' },
        ),
        true,
      ),
    ];
    expected = await write(none);
    expect(model.detokenize(expected)).toBe(longest.answer);
  });
  afterAll(() => llama.dispose());

  /** So cold that only the likeliest token is ever sampled. */
  async function write(
    guesser: Guesser,
    { length = 8, most = 1024, temperature = 0.001, alone = (): boolean => true, draws = 0 } = {},
  ) {
    guessed.length = 0;
    taken.length = 0;
    await sequence.clearHistory();
    const written: Token[] = [];
    const rest = prompt.slice(-(prompt.length % CHUNK || CHUNK));
    await sequence.evaluateWithoutGeneratingNewTokens(prompt.slice(0, prompt.length - rest.length));
    const record = (some: number, right: number) => void (guessed.push(some), taken.push(right));
    const pace = { length, record };
    const { seed } = new AnswerDraws(seededDraws(draws), 0, written);
    seedSteps(sequence, seed);
    const answer = {
      sequence: new AnswerSequence(sequence, 0, new Entrance()),
      guesser,
      options: { temperature, topP: 1 },
      seed,
      maxTokens: most,
      pace: () => (alone() ? pace : null),
      check: () => {},
      clock: { now: () => 0 },
    };
    for await (const { token } of draftedAnswer(answer, prompt, rest)) written.push(token);
    return written;
  }

  /** A guesser that knows the answer, and is wrong about every `wrong`-th token of it. */
  const knowing = (wrong: number): Guesser => ({
    guess: async (tokens, most) =>
      expected
        .slice(tokens.length - prompt.length, tokens.length - prompt.length + most)
        .map((token, i) => ((tokens.length + i) % wrong === 0 ? token + 1 : token) as Token),
  });

  it.each([1, 2, 3, 8, 16, 63])('writes the same with %i right guesses a step, in fewer steps', async (length) => {
    expect(await write(knowing(Infinity), { length })).toEqual(expected);
    expect(taken).toEqual(guessed);
    // The first step has no guesses, and the last is the end of the answer.
    expect(guessed.length).toBeLessThanOrEqual(Math.ceil(expected.length / (length + 1)) + 1);
  });

  it.each([1, 2, 3, 5, 11])('writes the same where every %ith guess is wrong', async (wrong) => {
    expect(await write(knowing(wrong))).toEqual(expected);
    expect(Math.max(...taken)).toBe(Math.min(wrong - 1, 8));
    // The sequence does not hold wrong guesses.
    expect([...prompt, ...expected].slice(0, sequence.nextTokenIndex)).toEqual(sequence.contextTokens);
  });

  it('writes the same where guesses come and go', async () => {
    let no = 0;
    const nowAndThen = { alone: () => (no += 1) % 7 > 3 };
    expect(await write(knowing(5), nowAndThen)).toEqual(expected);
    expect(guessed.some((count) => count > 0)).toBe(true);
  });

  it('takes the conversation for a guess', async () => {
    const once = prompt;
    prompt = [...prompt, ...expected, ...prompt];
    try {
      const plain = await write(none);
      expect(await write(new PromptLookup())).toEqual(plain);
      expect(Math.max(...taken)).toBeGreaterThan(2);
    } finally {
      prompt = once;
    }
  });

  it('writes no more than it may, and fills the context to its last place', async () => {
    for (const most of [1, 2, 9, 10]) expect(await write(knowing(Infinity), { most })).toEqual(expected.slice(0, most));
    const once = prompt;
    const filler = model.tokenize(' mesh', false).slice(0, 1);
    prompt = [...Array.from({ length: CONTEXT_TOKENS - prompt.length - 20 }, () => filler).flat(), ...prompt];
    try {
      const most = CONTEXT_TOKENS - prompt.length;
      const plain = await write(none, { most });
      const guesser: Guesser = { guess: async (all, n) => plain.slice(all.length - prompt.length).slice(0, n) };
      expect(await write(guesser, { most, length: 16 })).toEqual(plain);
      expect(sequence.contextTokens.slice(0, prompt.length)).toEqual(prompt);
    } finally {
      prompt = once;
    }
  });

  it('draws what it would have drawn without, whatever is guessed', async () => {
    const hot = { most: 24, length: 3, temperature: 2.5 };
    let right = 0;
    const seen = new Set<string>();
    for (let draws = 0; draws < 12; draws += 1) {
      const plain = await write(none, { ...hot, draws });
      const guesser: Guesser = {
        guess: async (all, n) =>
          plain
            .slice(all.length - prompt.length)
            .slice(0, n)
            .map((token, i) => (i === draws % 4 ? expected[0]! : token)),
      };
      expect(await write(guesser, { ...hot, draws })).toEqual(plain);
      right += taken.reduce((sum, n) => sum + n, 0);
      seen.add(plain.join());
    }
    expect(right).toBeGreaterThan(24);
    expect(seen.size).toBeGreaterThan(8);
  });
});
