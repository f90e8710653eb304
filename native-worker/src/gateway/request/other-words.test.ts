/** The same wishes in the words of other APIs, and what is said about a wish that is wrong. */
import { describe, expect, it } from 'vitest';
import { ApiError } from './api-error.ts';
import { parseChatRequest } from './chat-request.ts';
import { parseCompletionRequest } from './completion-request.ts';
import { parseEmbeddingRequest } from './embedding-request.ts';
import { withTools } from './tool-choice.ts';

const hello = { model: 'm', messages: [{ role: 'user', content: 'Hello' }] };
const thinking = (fields: object) => parseChatRequest({ ...hello, ...fields }).thinking;
const param = (param: string) => expect.objectContaining({ body: { error: expect.objectContaining({ param }) } });

describe('thinking', () => {
  it.each([
    [{ reasoning_effort: 'none' }],
    [{ reasoning: { effort: 'none' } }],
    [{ reasoning: { enabled: false } }],
    [{ reasoning: { max_tokens: 0 } }],
    [{ chat_template_kwargs: { enable_thinking: false } }],
    [{ chat_template_kwargs: { thinking: false } }],
    [{ enable_thinking: false, thinking_budget: 100 }],
    [{ thinking_budget: 0 }],
    [{ think: false }],
    [{ thinking: { type: 'disabled' } }],
    [{ thinking: false }],
  ])('is off by %j', (fields) => expect(thinking(fields)).toEqual({ on: false }));

  it.each([
    [{ reasoning_effort: 'minimal' }, { effort: 'minimal' }],
    [{ reasoning_effort: 'xhigh' }, { effort: 'xhigh' }],
    [{ reasoning_effort: 'max' }, { effort: 'xhigh' }],
    [{ reasoning: { effort: 'low', max_tokens: null, summary: 'auto' } }, { effort: 'low' }],
    [{ reasoning: { max_tokens: 500 } }, { maxTokens: 500 }],
    [{ chat_template_kwargs: { enable_thinking: true, thinking_budget: 9 } }, { maxTokens: 9 }],
    [{ chat_template_kwargs: { reasoning_effort: 'high' } }, { effort: 'high' }],
    [{ enable_thinking: true }, {}],
    [{ think: 'medium' }, { effort: 'medium' }],
    [{ think: true, reasoning_effort: 'medium' }, { effort: 'medium' }],
    [{ thinking: { type: 'enabled', budget_tokens: 1_024 } }, { maxTokens: 1_024 }],
  ])('is on by %j', (fields, more) => expect(thinking(fields)).toEqual({ on: true, ...more }));

  it('is as the model is made where nothing is said', () => {
    expect(thinking({})).toBeNull();
    expect(thinking({ thinking: { type: 'adaptive' }, thinking_budget: -1, reasoning_effort: null })).toBeNull();
  });

  it.each([
    [{ reasoning_effort: 'much' }, 'reasoning_effort'],
    [{ reasoning_effort: 'low', think: 'high' }, 'think'],
    [{ reasoning_effort: 'none', enable_thinking: true }, 'enable_thinking'],
    [{ chat_template_kwargs: { tools_in_user_message: true } }, 'chat_template_kwargs.tools_in_user_message'],
    [{ chat_template_kwargs: { enable_thinking: 'yes' } }, 'chat_template_kwargs.enable_thinking'],
    [{ thinking: { type: 'much' } }, 'thinking'],
    [{ reasoning: { exclude: true } }, 'reasoning.exclude'],
  ])('of another kind is refused: %j', (fields, place) => expect(() => thinking(fields)).toThrow(param(place)));
});

describe('the choice of functions', () => {
  const tool = (name: string) => ({ type: 'function', function: { name } });
  const tools = [tool('a'), tool('b')];
  const named = (name: string) => ({ type: 'function', function: { name } });
  const chosen = (choice: unknown) => withTools({ tools, tool_choice: choice }).request;

  it.each([
    ['auto', 'auto'],
    ['none', 'none'],
    ['required', 'required'],
    ['any', 'required'],
    [{ type: 'auto' }, 'auto'],
    [{ type: 'none' }, 'none'],
    [{ type: 'required' }, 'required'],
    [{ type: 'any' }, 'required'],
    [{ type: 'function', name: 'a' }, named('a')],
    [{ type: 'tool', name: 'a' }, named('a')],
    [named('a'), named('a')],
  ])('%j is %j', (choice, meant) => expect(chosen(choice)).toEqual({ tools, tool_choice: meant }));

  it('may be among some of them', () => {
    const only = { tools: [tool('b')], tool_choice: 'required' };
    expect(chosen({ type: 'allowed_tools', allowed_tools: { mode: 'required', tools: [tool('b')] } })).toEqual(only);
    const flat = { type: 'allowed_tools', mode: 'required', tools: [{ type: 'function', name: 'b' }] };
    expect(chosen(flat)).toEqual(only);
    expect(() => chosen({ ...flat, tools: [{ type: 'function', name: 'c' }] })).toThrow(/"c"/);
    expect(() => chosen({ ...flat, tools: [] })).toThrow(param('tool_choice'));
  });

  it('may be in the words of old', () => {
    const functions = [{ name: 'a' }, { name: 'b' }];
    expect(withTools({ functions })).toEqual({ request: { tools, parallel_tool_calls: false }, legacy: true });
    expect(withTools({ functions, function_call: { name: 'b' } }).request).toMatchObject({ tool_choice: named('b') });
    expect(parseChatRequest({ ...hello, functions, function_call: 'none' })).toMatchObject({ tools: null });
    expect(withTools({ functions: [], function_call: 'auto' })).toEqual({ request: {}, legacy: false });
    expect(() => withTools({ functions, tools })).toThrow(param('functions'));
    expect(() => withTools({ function_call: { name: 'b' } })).toThrow(param('function_call'));
    expect(() => withTools({ functions: 7 })).toThrow(param('functions'));
  });
});

describe('a request in the words of other servers', () => {
  it('may say more than once how long the answer gets, as long as it is the same', () => {
    const most = (fields: object) => parseChatRequest({ ...hello, ...fields }).maxTokens;
    expect(most({ max_tokens: 5, max_completion_tokens: 5 })).toBe(5);
    expect(most({ max_tokens: -1, max_completion_tokens: -1 })).toBeNull();
    expect(most({ options: { num_predict: 7 } })).toBe(7);
    expect(most({ max_tokens: 5, options: { num_predict: 7 } })).toBe(5);
    // More than anybody writes is no limit that anybody meets.
    expect(most({ max_tokens: 2 ** 31 })).toBe(1_048_576);
  });

  it('chooses from all words where it asks for that, and takes seeds of any size', () => {
    const sampling = (fields: object) => parseChatRequest({ ...hello, ...fields }).sampling;
    expect(sampling({ top_k: -1 })).toEqual({ topK: 0 });
    expect(sampling({ top_k: 0 })).toEqual({ topK: 0 });
    const big = JSON.parse('{"seed":18446744073709551615}');
    expect(sampling(big)).toEqual(sampling(big));
    expect(sampling({ seed: 2 ** 40 + 3 })).toEqual({ seed: 3 });
    expect(sampling({ seed: -1 })).toEqual({});
    expect(sampling({ options: { top_k: 3, temperature: 1 }, temperature: 0 })).toEqual({ topK: 3, temperature: 0 });
  });

  it('ends at up to sixteen texts, also beside functions and forms', () => {
    const sixteen = Array.from({ length: 16 }, (_, i) => `stop ${i}`);
    const tools = [{ type: 'function', function: { name: 'f' } }];
    expect(parseChatRequest({ ...hello, stop: sixteen, tools }).stops).toEqual(sixteen);
    const form = { response_format: { type: 'json_object' } };
    expect(parseChatRequest({ ...hello, ...form, stop: ['', 'x', 'x'] }).stops).toEqual(['x']);
  });
});

describe('what is said about a request that is wrong', () => {
  const values = [
    7,
    -7,
    0.5,
    1e99,
    true,
    'x',
    'x'.repeat(300),
    [],
    [7],
    ['x'],
    {},
    { x: 1 },
    Array(400).fill('x'),
    [[]],
  ];
  const fields = [
    ...[
      'model',
      'models',
      'provider',
      'privacy',
      'adapter',
      'stream',
      'stream_options',
      'temperature',
      'top_p',
      'top_k',
    ],
    ...['min_p', 'seed', 'presence_penalty', 'repeat_penalty', 'logit_bias', 'n', 'stop', 'messages', 'max_tokens'],
    ...['max_completion_tokens', 'logprobs', 'top_logprobs', 'reasoning_effort', 'reasoning', 'think', 'thinking'],
    ...['chat_template_kwargs', 'enable_thinking', 'thinking_budget', 'functions', 'options', 'store', 'audio'],
    ...['prompt', 'echo', 'best_of', 'suffix', 'input', 'dimensions', 'encoding_format', 'modalities', 'unknown'],
  ];
  const parsers = {
    chat: (body: object) => parseChatRequest({ ...hello, ...body }),
    completion: (body: object) => parseCompletionRequest({ model: 'm', prompt: 'x', ...body }),
    embedding: (body: object) => parseEmbeddingRequest({ model: 'm', input: 'x', ...body }),
  };

  it.each(Object.entries(parsers))('is a sentence that says what to do: %s', (_, parse) => {
    const said = new Set<string>();
    for (const field of fields) {
      for (const value of [...values, ...values.map((inner) => ({ [field]: inner }))]) {
        try {
          parse({ [field]: value });
        } catch (thrown) {
          if (!(thrown instanceof ApiError)) throw thrown;
          said.add(thrown.message);
        }
      }
    }
    expect(said.size).toBeGreaterThan(20);
    const wrong = [...said].filter(
      (text) => !/^[^a-z].*[.?]$/s.test(text) || /\b(Invalid|Expected|received|yet|undefined)\b/.test(text),
    );
    expect(wrong).toEqual([]);
  });

  it('counts what there is too much of', () => {
    const message = (body: object) => {
      try {
        return String(parsers.chat(body).models);
      } catch (thrown) {
        return (thrown as Error).message;
      }
    };
    expect(message({ stop: Array(20).fill('x') })).toContain('Up to 16 stop texts can be given; these are 20.');
    expect(message({ messages: Array(2_049).fill(hello.messages[0]) })).toContain('these are 2,049');
    expect(message({ models: Array(9).fill('x') })).toBe('"models" is not right. Up to 8 can be given; these are 9.');
    expect(message({ stream: 'yes' })).toBe('"stream" is not right. It has to be true or false, and this is "yes".');
    expect(message({ max_tokens: 0 })).toContain('1 or more');
  });
});
