import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ApiError } from './api-error.ts';
import { parseCompletionRequest } from './completion-request.ts';

const once = { model: 'm', prompt: 'Once' };

describe('a request for a completion', () => {
  it('that says only what it must has the defaults of OpenAI', () => {
    expect(parseCompletionRequest(once)).toMatchObject({
      models: ['m'],
      prompts: ['Once'],
      maxTokens: 16,
      choices: 1,
      stops: [],
      sampling: {},
      logprobs: null,
      echo: false,
      stream: false,
      privacy: 'any',
    });
  });

  it('is understood with all that is carried out', () => {
    const asked = {
      prompt: ['a', 'b'],
      n: 2,
      best_of: 2,
      max_tokens: 5,
      logprobs: 0,
      stop: ['x'],
      seed: 3,
      suffix: '',
      top_k: 5,
      logit_bias: { 1: 1 },
      options: { repeat_penalty: 1.1 },
    };
    expect(parseCompletionRequest({ ...once, ...asked, stream: true, user: 'me', presence_penalty: 1 })).toMatchObject({
      prompts: ['a', 'b'],
      choices: 2,
      maxTokens: 5,
      logprobs: 0,
      stops: ['x'],
      stream: true,
      sampling: { seed: 3, presencePenalty: 1, topK: 5, repeatPenalty: 1.1, logitBias: [[1, 1]] },
    });
  });

  it('is as long as the model likes where it says so', () => {
    expect(parseCompletionRequest({ ...once, max_tokens: -1 }).maxTokens).toBeNull();
  });

  it.each([
    [{ prompt: undefined }, 'prompt', 'missing_required_parameter'],
    [{ prompt: [1, 2] }, 'prompt', 'invalid_value'],
    [{ prompt: ' ' }, 'prompt', 'invalid_value'],
    [{ prompt: [] }, 'prompt', 'invalid_value'],
    [{ prompt: ['a', 'b', 'c'], n: 3 }, 'n', 'invalid_value'],
    [{ max_tokens: 0 }, 'max_tokens', 'invalid_value'],
    [{ best_of: 3 }, 'best_of', 'unsupported_parameter'],
    [{ logprobs: 6 }, 'logprobs', 'invalid_value'],
    [{ logprobs: 1, echo: true }, 'echo', 'unsupported_parameter'],
    [{ suffix: 'end' }, 'suffix', 'unsupported_parameter'],
    [{ reasoning_effort: 'low' }, 'reasoning_effort', 'unknown_parameter'],
    [{ messages: [] }, 'messages', 'unknown_parameter'],
  ])('with %j is refused at %s', (wrong, param, code) => {
    expect(() => parseCompletionRequest({ ...once, ...wrong })).toThrow(
      expect.objectContaining({ status: 400, body: { error: expect.objectContaining({ param, code }) } }),
    );
  });

  it('is understood or refused, whatever a stranger puts into it', () => {
    const names = ['model', 'prompt', 'n', 'best_of', 'echo', 'logprobs', 'max_tokens', 'stop', 'suffix', '__proto__'];
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom(...names), fc.jsonValue()), (wrong) => {
        const body: unknown = JSON.parse(JSON.stringify({ ...once, ...wrong }));
        try {
          expect(parseCompletionRequest(body).prompts.length).toBeGreaterThan(0);
        } catch (thrown) {
          if (!(thrown instanceof ApiError)) throw thrown;
          expect(thrown.status).toBe(400);
        }
      }),
      { numRuns: 500 },
    );
  });
});
