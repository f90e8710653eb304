/** Answers of a form that run out of tokens, from llama.cpp and the tiny model. */
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { GenerateRequest } from '@llmesh/core/engine/engine';
import { GrammarReader } from '@llmesh/core/form/grammar-reader';
import { jsonGrammar } from '@llmesh/core/form/json-grammar';
import { readJsonSchema } from '@llmesh/core/form/json-schema';
import { runOf, textOf } from '@llmesh/core/suites/continuation';
import { LlamaEngine } from '../llama-engine.ts';

const path = fileURLToPath(new URL('../../../../models/tiny/llmesh-tiny.gguf', import.meta.url));
const never = new AbortController().signal;
const QUESTION: Pick<GenerateRequest, 'turns' | 'sampling'> = {
  turns: [{ role: 'user', content: 'Tell me a long story of a mesh, with names and numbers.' }],
  sampling: { temperature: 1, seed: 7 },
};

describe('an answer of a form', () => {
  const engine = new LlamaEngine();
  beforeAll(async () => {
    await engine.load({ path, gpu: 'off', threads: 1 }, () => {}, never);
  });
  afterAll(() => engine.close());

  const LEAF = { type: 'object', properties: { name: { type: 'string' } }, required: ['name'] };
  it.each<[string, object]>([
    [
      'an object',
      { type: 'object', properties: { a: { type: 'string' }, b: { type: 'integer' } }, required: ['a', 'b'] },
    ],
    ['a list', { type: 'array', items: { type: 'string', minLength: 2 } }],
    ['a tree', { ...LEAF, properties: { ...LEAF.properties, more: { type: 'array', items: { $ref: '#' } } } }],
    ['a date', { type: 'string', format: 'date' }],
    ['a number', { type: 'number' }],
    ['characters of several tokens', { type: 'array', items: { enum: ['😀😀', 'é', '漢字'] }, minItems: 2 }],
  ])(
    'writes %s that is whole however few tokens it may have, or says that they are too few',
    async (_, form) => {
      const schema = readJsonSchema(JSON.stringify(form));
      let least = 0;
      for (let maxTokens = 1; maxTokens <= 64; maxTokens += maxTokens < 32 ? 1 : 8) {
        const request = { ...QUESTION, maxTokens, schema };
        const { pieces, finish, error } = await go(request);
        if (error !== null) {
          expect(error).toMatchObject({ code: 'too_few_tokens', message: expect.stringMatching(/takes \d+ tokens/) });
          // Once there is room, there is with more tokens, too.
          expect(least).toBe(0);
          continue;
        }
        least ||= maxTokens;
        const text = textOf(pieces);
        const follower = new GrammarReader(jsonGrammar(schema));
        follower.read(text);
        expect([maxTokens, text, follower.mayEnd]).toEqual([maxTokens, text, true]);
        expect(() => JSON.parse(text) as unknown).not.toThrow();
        const tokens = pieces.reduce((sum, piece) => sum + piece.tokens, 0);
        expect(tokens).toBeLessThanOrEqual(maxTokens);
        if (finish?.finish === 'length') expect(finish.completionTokens).toBe(tokens);
        const [first, ...rest] = pieces;
        // Another provider that continues it closes it as well.
        if (first === undefined || rest.length === 0 || maxTokens % 16 > 0) continue;
        const prefix = { text: first.text, tokens: first.tokens, tokenIds: first.tokenIds ?? null };
        const resumed = await go({ ...request, prefix, maxTokens: maxTokens - first.tokens });
        expect(() => JSON.parse(first.text + textOf(resumed.pieces)) as unknown).not.toThrow();
      }
      expect(least).toBeGreaterThan(0);
    },
    300_000,
  );

  async function go(request: GenerateRequest) {
    try {
      return { ...(await runOf(engine, request, never)), error: null };
    } catch (thrown) {
      return { pieces: [], finish: null, error: thrown };
    }
  }
});
