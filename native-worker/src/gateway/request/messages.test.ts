/** What messages say, in every shape that they have. */
import fc from 'fast-check';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { TurnSchema } from '@llmesh/core/protocol';
import { ApiError } from './api-error.ts';
import { parseChatRequest } from './chat-request.ts';
import { turnsOf } from './messages.ts';

const light = { role: 'user', content: 'Light!' } as const;
const lamp = { id: 'c1', name: 'lamp', arguments: '{"on":true}' };
const called = { id: 'c1', type: 'function', function: { name: 'lamp', arguments: '{"on":true}' } };
const done = { role: 'tool', tool_call_id: 'c1', content: 'done' };

describe('an assistant', () => {
  const said = (message: object) => turnsOf([light, { role: 'assistant', ...message }, light])[1];

  it('says something beside its calls', () => {
    expect(said({ content: 'As you asked.', tool_calls: [called] })).toEqual({
      role: 'assistant',
      content: 'As you asked.',
      calls: [lamp],
    });
  });

  it.each([
    [{}],
    [{ content: '' }],
    [{ content: null }],
    [{ content: [] }],
    [{ content: [{ type: 'text', text: '' }] }],
    [{ content: '', tool_calls: [], function_call: null }],
  ])('may say nothing: %j', (message) => expect(said(message)).toEqual({ role: 'assistant', content: '' }));

  it('says what it refused', () => {
    expect(said({ content: null, refusal: 'I would rather not.' })?.content).toBe('I would rather not.');
    expect(said({ content: [{ type: 'refusal', refusal: 'No.' }] })?.content).toBe('No.');
    expect(said({ content: 'Hm.', refusal: 'No.' })?.content).toBe('Hm.\nNo.');
  });

  it.each([
    [{ content: 'Hi', reasoning_content: 'Greet.' }],
    [{ content: 'Hi', reasoning: 'Greet.' }],
    [{ content: 'Hi', reasoning_content: 'Greet.', reasoning: 'Greet.', reasoning_details: [{ text: 'Greet.' }] }],
    [
      {
        content: 'Hi',
        reasoning_details: [{ type: 'reasoning.text', text: 'Greet.' }, { type: 'reasoning.encrypted' }],
      },
    ],
    [{ content: 'Hi', thinking_blocks: [{ type: 'thinking', thinking: 'Greet.', signature: 'x' }] }],
    [
      {
        content: [
          { type: 'thinking', thinking: [{ type: 'text', text: 'Greet.' }] },
          { type: 'output_text', text: 'Hi', annotations: [], logprobs: [] },
        ],
      },
    ],
  ])('thought before it spoke: %j', (message) =>
    expect(said(message)).toEqual({ role: 'assistant', content: 'Hi', thoughts: 'Greet.' }),
  );

  it.each([
    ['{"on":true}', '{"on":true}'],
    ['{ "on" : true }', '{ "on" : true }'],
    ['', '{}'],
    [' ', '{}'],
    [undefined, '{}'],
    ['null', '{}'],
    [{ on: true }, '{"on":true}'],
    ['{"on": tr', '{"text":"{\\"on\\": tr"}'],
    ['on please', '{"text":"on please"}'],
    ['[1]', '{"value":[1]}'],
    [5, '{"value":5}'],
    [`${'['.repeat(500)}${']'.repeat(500)}`, JSON.stringify({ text: `${'['.repeat(500)}${']'.repeat(500)}` })],
  ])('calls with the arguments %j', (json, expected) => {
    const turn = said({ tool_calls: [{ id: 'c1', function: { name: 'lamp', arguments: json } }] });
    expect(turn?.calls).toEqual([{ ...lamp, arguments: expected }]);
  });

  it('calls functions of other servers by names that templates expect', () => {
    const name = (given: string) => said({ tool_calls: [{ function: { name: given } }] })?.calls?.[0]?.name;
    expect(name('home.lamp:on')).toBe('home_lamp_on');
    expect(name('x'.repeat(99))).toBe('x'.repeat(64));
    expect(said({ tool_calls: [{ id: 'c', type: 'custom', custom: { name: 'sh', input: 'ls' } }] })?.calls).toEqual([
      { id: 'c', name: 'sh', arguments: '{"input":"ls"}' },
    ]);
  });
});

describe('the result of a function', () => {
  it.each([
    [undefined, ''],
    [null, ''],
    ['', ''],
    [[], ''],
    ['done', 'done'],
    [
      [
        { type: 'text', text: 'do' },
        { type: 'text', text: 'ne' },
      ],
      'done',
    ],
    [{ type: 'text', text: 'done' }, 'done'],
    [{ on: true }, '{"on":true}'],
    [[{ id: 1 }, { id: 2 }], '[{"id":1},{"id":2}]'],
    [['a', 'b'], '["a","b"]'],
    [[1, null], '[1,null]'],
    [[{ type: 'resource', uri: 'a' }], '[{"type":"resource","uri":"a"}]'],
    [7, '7'],
    [false, 'false'],
  ])('may be %j', (content, text) => {
    const messages = [light, { role: 'assistant', tool_calls: [called] }, { ...done, content }];
    expect(turnsOf(messages)[2]).toEqual({ role: 'tool', content: text, call: { id: 'c1', name: 'lamp' } });
  });

  it('belongs to its call where ids stand twice, are too long, or are missing', () => {
    const call = (id: string | undefined, name: string) => ({ id, function: { name, arguments: '{}' } });
    const result = (id: string | undefined, name?: string) => ({ role: 'tool', tool_call_id: id, name, content: '' });
    const long = 'x'.repeat(4_000);
    const turns = turnsOf([
      light,
      {
        role: 'assistant',
        tool_calls: [call('0', 'a'), call('0', 'b'), call(long, 'c'), call('', 'd'), call('', 'e')],
      },
      ...[result('0'), result('0'), result(long), result('', 'e'), result(undefined), result('0')],
      { role: 'assistant', tool_calls: [call('0', 'f')] },
      result('0'),
    ]);
    const answered = turns.flatMap((turn) => turn.call?.name ?? []);
    expect(answered).toEqual(['a', 'b', 'c', 'e', 'd', 'b', 'f']);
    const ids = turns.flatMap((turn) => (turn.calls ?? []).map(({ id }) => id));
    expect(new Set(ids).size).toBe(6);
    expect(ids.every((id) => id.length <= 128)).toBe(true);
  });

  it('may have lost its call, if the function is named', () => {
    expect(turnsOf([{ ...done, name: 'lamp' }, light])[0]).toEqual({
      role: 'tool',
      content: 'done',
      call: { id: 'c1', name: 'lamp' },
    });
  });
});

it('a conversation may end with anybody', () => {
  const ends = (...messages: object[]) => parseChatRequest({ model: 'm', messages }).turns.at(-1);
  const system = { role: 'system', content: 'Greet.' };
  expect(ends(system)).toEqual(system);
  expect(ends(light, system)).toEqual(system);
  expect(ends(system, { role: 'user', content: '' })).toEqual({ role: 'user', content: '' });
  expect(ends(light, { role: 'assistant', content: 'It is' })).toEqual({ role: 'assistant', content: 'It is' });
  expect(ends(light, { role: 'assistant', content: '' })).toEqual(light);
});

it('as many messages as the mesh carries are read at once', () => {
  const messages = Array.from({ length: 2_048 }, (_, i) => ({
    role: i % 2 === 0 ? 'user' : 'assistant',
    content: 'x',
  }));
  expect(parseChatRequest({ model: 'm', messages }).turns).toHaveLength(2_048);
});

describe('is refused, with its place:', () => {
  it.each<[unknown, string, string]>([
    ['x', 'messages', 'invalid_value'],
    [[7], 'messages[0]', 'invalid_value'],
    [[{ content: 'x' }], 'messages[0].role', 'missing_required_parameter'],
    [[{ role: 'friend', content: 'x' }], 'messages[0].role', 'invalid_value'],
    [[{ role: 'user' }], 'messages[0].content', 'missing_required_parameter'],
    [[{ role: 'user', content: 7 }], 'messages[0].content', 'invalid_value'],
    [[{ role: 'user', content: {} }], 'messages[0].content', 'invalid_value'],
    [[{ role: 'user', content: [{ type: 'text', content: 'x' }] }], 'messages[0].content[0]', 'invalid_value'],
    [[{ role: 'user', content: [7] }], 'messages[0].content[0]', 'invalid_value'],
    [[{ role: 'user', content: [{ type: 'text', text: 7 }] }], 'messages[0].content[0]', 'invalid_value'],
    [[{ role: 'user', content: [{ type: 'image_url' }] }], 'messages[0].content[0]', 'unsupported_parameter'],
    [[{ role: 'user', content: 'x', images: ['…'] }], 'messages[0].images', 'unsupported_parameter'],
    [[light, { role: 'assistant', audio: { id: 'a' } }], 'messages[1].audio', 'unsupported_parameter'],
    [[{ ...light, tool_calls: [called] }], 'messages[0].tool_calls', 'invalid_value'],
    [[light, { role: 'assistant', toolCalls: [called] }], 'messages[1].toolCalls', 'unknown_parameter'],
    [[{ role: 'user', contents: 'x' }], 'messages[0].contents', 'unknown_parameter'],
    [[light, { role: 'assistant', tool_calls: {} }], 'messages[1].tool_calls', 'invalid_value'],
    [[light, { role: 'assistant', tool_calls: [7] }], 'messages[1].tool_calls[0]', 'invalid_value'],
    [
      [light, { role: 'assistant', tool_calls: [{ id: 'a' }] }],
      'messages[1].tool_calls[0].function',
      'missing_required_parameter',
    ],
    [
      [light, { role: 'assistant', tool_calls: [{ function: {} }] }],
      'messages[1].tool_calls[0].function.name',
      'missing_required_parameter',
    ],
    [
      [light, { role: 'assistant', tool_calls: Array.from({ length: 129 }, () => called) }],
      'messages[1].tool_calls',
      'invalid_value',
    ],
    [[light, done], 'messages[1].tool_call_id', 'invalid_value'],
    [[light, { role: 'tool', content: 'x' }], 'messages[1].tool_call_id', 'invalid_value'],
    [
      [light, { role: 'assistant', tool_calls: [called] }, { ...done, content: [{ type: 'image', data: '' }] }],
      'messages[2].content[0]',
      'unsupported_parameter',
    ],
    [Array.from({ length: 2_049 }, () => light), 'messages', 'invalid_value'],
  ])('%j', (messages, param, code) => {
    const refusal = expect.objectContaining({ status: 400, body: { error: expect.objectContaining({ param, code }) } });
    expect(() => turnsOf(messages)).toThrow(refusal);
  });
});

it('whatever a stranger puts into messages is read as turns that every provider takes, or refused', () => {
  const names = ['role', 'content', 'tool_calls', 'tool_call_id', 'name', 'refusal', 'reasoning', 'function_call'];
  const role = fc.constantFrom('user', 'assistant', 'tool', 'system', 'function');
  const message = fc.tuple(role, fc.dictionary(fc.constantFrom(...names), fc.jsonValue(), { maxKeys: 4 }));
  fc.assert(
    fc.property(fc.array(message, { maxLength: 6 }), (messages) => {
      try {
        const turns = turnsOf(messages.map(([role, fields]) => ({ role, ...fields })));
        expect(turns.every((turn) => v.is(TurnSchema, turn))).toBe(true);
      } catch (thrown) {
        if (!(thrown instanceof ApiError)) throw thrown;
      }
    }),
    { numRuns: 500 },
  );
});
