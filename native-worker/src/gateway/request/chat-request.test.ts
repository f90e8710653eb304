import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { newPeerId } from '@llmesh/core/base/ids';
import { ApiError } from './api-error.ts';
import { parseChatRequest } from './chat-request.ts';

const hello = { model: 'm', messages: [{ role: 'user', content: 'Hello' }] };

function refusalOf(body: unknown): { status: number; param: string | null; code: string } {
  try {
    parseChatRequest(body);
  } catch (thrown) {
    if (!(thrown instanceof ApiError)) throw thrown;
    const { param, code } = thrown.body.error;
    return { status: thrown.status, param, code: String(code) };
  }
  throw new Error('It was not refused.');
}

describe('a request for a chat completion', () => {
  it('that says only what it must has the defaults', () => {
    expect(parseChatRequest(hello)).toMatchObject({
      models: ['m'],
      turns: hello.messages,
      sampling: {},
      maxTokens: null,
      choices: 1,
      stops: [],
      stream: false,
      thinking: null,
      includeUsage: false,
      provider: {},
      privacy: 'any',
    });
  });

  it('is understood with all that is carried out', () => {
    const [friend, foe] = [newPeerId(), newPeerId()];
    const parsed = parseChatRequest({
      model: 'a',
      models: ['b', 'a'],
      adapter: 'ab'.repeat(32),
      messages: [
        { role: 'developer', content: 'Be short.' },
        {
          role: 'user',
          content: [
            { type: 'text', text: 'Hel' },
            { type: 'text', text: 'lo' },
          ],
        },
        { role: 'assistant', content: 'Hi', refusal: null, tool_calls: [] },
        { role: 'user', content: 'Again' },
      ],
      stream: true,
      stream_options: { include_usage: true },
      temperature: 0.5,
      top_p: 0.9,
      top_k: 20,
      min_p: 0.05,
      repeat_penalty: 1.1,
      logit_bias: { 5: 100, 7: 0, 11: -1.5 },
      seed: -2,
      n: 2,
      presence_penalty: -1,
      frequency_penalty: 0.5,
      reasoning_effort: 'low',
      logprobs: true,
      top_logprobs: 4,
      max_completion_tokens: 7,
      stop: 'x',
      provider: { only: [friend], ignore: [foe] },
      privacy: 'trusted',
    });
    expect(parsed).toEqual({
      models: ['a', 'b'],
      adapter: 'ab'.repeat(32),
      turns: [
        { role: 'system', content: 'Be short.' },
        { role: 'user', content: 'Hello' },
        { role: 'assistant', content: 'Hi' },
        { role: 'user', content: 'Again' },
      ],
      sampling: {
        temperature: 0.5,
        topP: 0.9,
        topK: 20,
        minP: 0.05,
        seed: 0xffff_fffe,
        presencePenalty: -1,
        frequencyPenalty: 0.5,
        repeatPenalty: 1.1,
        logitBias: [
          [5, 100],
          [11, -1.5],
        ],
      },
      maxTokens: 7,
      thinking: { on: true, effort: 'low' },
      choices: 2,
      stops: ['x'],
      stream: true,
      includeUsage: true,
      schema: null,
      tools: null,
      legacy: false,
      logprobs: 4,
      provider: { only: [friend], ignore: [foe] },
      privacy: 'trusted',
    });
  });

  it('may hold what changes nothing', () => {
    const neutral = {
      tools: [],
      tool_choice: 'none',
      response_format: { type: 'text' },
      logprobs: false,
      logit_bias: {},
      frequency_penalty: 0,
      presence_penalty: 0,
      user: 'me',
      store: false,
      audio: null,
      service_tier: 'auto',
      metadata: { trace: 'a' },
      prediction: { type: 'content', content: 'Hello' },
      min_p: 0,
      repeat_penalty: 1,
      repetition_penalty: 1,
      seed: -1,
      stop: ['', ''],
      max_tokens: -1,
      best_of: 1,
      cache_prompt: true,
      keep_alive: '5m',
      num_ctx: 8_192,
      mirostat: 0,
      typical_p: 1,
      functions: [],
      function_call: 'none',
      options: { num_ctx: 4_096, mirostat: 0, num_predict: -1 },
      stream_options: { include_usage: false },
      reasoning: { exclude: false },
      chat_template_kwargs: {},
      thinking_budget: -1,
    };
    expect(parseChatRequest({ ...hello, ...neutral })).toEqual(parseChatRequest(hello));
  });

  it.each([
    ['audio', { voice: 'alloy' }],
    ['modalities', ['text', 'audio']],
    ['web_search_options', {}],
    ['store', true],
    ['cache_prompt', false],
    ['service_tier', 'priority'],
    ['mirostat', 2],
    ['grammar', 'root ::= "a"'],
    ['repeat_last_n', 64],
    ['ignore_eos', true],
  ])('that needs %s is refused, with its name', (param, value) =>
    expect(refusalOf({ ...hello, [param]: value })).toEqual({ status: 400, param, code: 'unsupported_parameter' }),
  );

  it.each([
    [{ temprature: 1 }, 'temprature', 'unknown_parameter'],
    [{ temperature: 3 }, 'temperature', 'invalid_value'],
    [{ top_p: '1' }, 'top_p', 'invalid_value'],
    [{ presence_penalty: 2.5 }, 'presence_penalty', 'invalid_value'],
    [{ logprobs: 2 }, 'logprobs', 'invalid_value'],
    [{ top_logprobs: 3 }, 'top_logprobs', 'invalid_value'],
    [{ logprobs: true, top_logprobs: 21 }, 'top_logprobs', 'invalid_value'],
    [{ logprobs: true, tools: [{ type: 'function', function: { name: 'f' } }] }, 'logprobs', 'unsupported_parameter'],
    [{ n: 0 }, 'n', 'invalid_value'],
    [{ n: 99 }, 'n', 'invalid_value'],
    [{ max_tokens: 1.5 }, 'max_tokens', 'invalid_value'],
    [{ max_tokens: 1, max_completion_tokens: 2 }, 'max_tokens', 'invalid_value'],
    [{ seed: 0.5 }, 'seed', 'invalid_value'],
    [{ stop: Array.from({ length: 17 }, (_, i) => `${i}`) }, 'stop', 'invalid_value'],
    [{ stop: 'x'.repeat(257) }, 'stop', 'invalid_value'],
    [{ stop: [1] }, 'stop', 'invalid_value'],
    [{ max_tokens: 0 }, 'max_tokens', 'invalid_value'],
    [{ max_tokens: -2 }, 'max_tokens', 'invalid_value'],
    [{ top_k: 1.5 }, 'top_k', 'invalid_value'],
    [{ min_p: 2 }, 'min_p', 'invalid_value'],
    [{ repeat_penalty: 0 }, 'repeat_penalty', 'invalid_value'],
    [{ repeat_penalty: 1.1, repetition_penalty: 1.2 }, 'repetition_penalty', 'invalid_value'],
    [{ logit_bias: { Hello: 5 } }, 'logit_bias.Hello', 'invalid_value'],
    [{ logit_bias: { 5: 101 } }, 'logit_bias.5', 'invalid_value'],
    [
      { logit_bias: Object.fromEntries(Array.from({ length: 301 }, (_, i) => [`${i}`, 1])) },
      'logit_bias',
      'invalid_value',
    ],
    [{ seed: 2 ** 65 }, 'seed', 'invalid_value'],
    [{ options: [1] }, 'options', 'invalid_value'],
    [{ options: { mirostat: 1 } }, 'mirostat', 'unsupported_parameter'],
    [{ stream_options: { include_usage: true } }, 'stream_options', 'invalid_value'],
    [{ privacy: 'secret' }, 'privacy', 'invalid_value'],
    [{ provider: { order: [] } }, 'provider.order', 'unknown_parameter'],
    [{ provider: { only: ['OpenAI'] } }, 'provider.only[0]', 'invalid_value'],
    [{ model: undefined }, 'model', 'missing_required_parameter'],
    [{ messages: undefined }, 'messages', 'missing_required_parameter'],
    [{ messages: [] }, 'messages', 'invalid_value'],
    [{ messages: [{ role: 'user' }] }, 'messages[0].content', 'missing_required_parameter'],
    [{ messages: [{ role: 'friend', content: 'x' }] }, 'messages[0].role', 'invalid_value'],
    [{ messages: [{ role: 'tool', content: 'x', tool_call_id: 'y' }] }, 'messages[0].tool_call_id', 'invalid_value'],
    [{ tools: [{ type: 'custom' }] }, 'tools[0].type', 'invalid_value'],
    [{ tools: [{ type: 'function', function: { name: 'a b' } }] }, 'tools[0].function.name', 'invalid_value'],
    [
      { tools: [{ type: 'function', function: { name: 'f', parameters: { type: 'string' } } }] },
      'tools[0].function.parameters',
      'invalid_schema',
    ],
    [{ tool_choice: 'required' }, 'tool_choice', 'invalid_value'],
    [{ tool_choice: 'always' }, 'tool_choice', 'invalid_value'],
    [{ response_format: { type: 'xml' } }, 'response_format.type', 'invalid_value'],
    [
      { response_format: { type: 'json_schema', json_schema: { name: 'a' } } },
      'response_format.json_schema.schema',
      'invalid_value',
    ],
    [
      { response_format: { type: 'json_schema', json_schema: { name: 'a', schema: { not: {} }, strict: true } } },
      'response_format.json_schema.schema',
      'invalid_schema',
    ],
    [
      {
        response_format: {
          type: 'json_schema',
          json_schema: { name: 'a', schema: { type: 'array', minItems: 9, maxItems: 2 } },
        },
      },
      'response_format.json_schema.schema',
      'invalid_schema',
    ],
    [
      {
        tools: Array.from({ length: 64 }, (_, i) => ({
          type: 'function',
          function: { name: `f${i}`, parameters: { type: 'object', title: 'x'.repeat(9_000) } },
        })),
      },
      'tools',
      'invalid_schema',
    ],
    [{ messages: [{ role: 'user', content: ' ' }] }, 'messages', 'empty_prompt'],
    [{ messages: [{ role: 'user', content: 'x'.repeat(600_000) }] }, 'messages', 'context_length_exceeded'],
    [{ __proto__: null, constructor: 1 }, 'constructor', 'unknown_parameter'],
  ])('with %j is refused at %s', (wrong, param, code) =>
    expect(refusalOf({ ...hello, ...wrong })).toEqual({ status: 400, param, code }),
  );

  it.each([[null], ['text'], [[]], [7]])('is no %j', (body) =>
    expect(refusalOf(body)).toMatchObject({ status: 400, param: null }),
  );

  it('is understood or refused, whatever a stranger puts into it', () => {
    const names = [
      ...['model', 'models', 'messages', 'stop', 'n', 'stream', 'stream_options', 'provider', 'privacy', 'seed'],
      ...['tools', 'response_format', 'logit_bias', 'modalities', '__proto__', 'toString', 'max_tokens', 'user'],
      ...['functions', 'function_call', 'tool_choice', 'options', 'thinking', 'reasoning', 'chat_template_kwargs'],
    ];
    const fields = fc.dictionary(fc.constantFrom(...names), fc.jsonValue());
    fc.assert(
      fc.property(fields, fc.boolean(), (wrong, whole) => {
        const body: unknown = JSON.parse(JSON.stringify(whole ? { ...hello, ...wrong } : wrong));
        try {
          expect(parseChatRequest(body).turns.length).toBeGreaterThan(0);
        } catch (thrown) {
          if (!(thrown instanceof ApiError)) throw thrown;
          expect(thrown.status).toBe(400);
        }
      }),
      { numRuns: 500 },
    );
  });
});
