import { describe, expect, it } from 'vitest';
import { referenceOf, toldInput } from './input-items.ts';

const told = (...items: unknown[]) => toldInput(items.map((item, index) => [item, `input[${index}]`]));
const messages = (...items: unknown[]) => told(...items).map(({ message }) => message);
const call = (id: string, name = 'look') => ({
  type: 'function_call',
  id: `fc_${id}`,
  call_id: id,
  name,
  arguments: '{}',
});
const called = (id: string, name = 'look') => ({ id, type: 'function', function: { name, arguments: '{}' } });

describe('the input of a response', () => {
  it('has messages with and without a type, and content as text and as parts', () => {
    const parts = [
      { type: 'input_text', text: 'a' },
      { type: 'input_text', text: 'b' },
    ];
    const said = [{ type: 'output_text', text: 'c', annotations: [] }];
    expect(
      messages(
        { role: 'developer', content: 'Be short.' },
        {
          type: 'message',
          role: 'user',
          content: parts,
        },
        {
          type: 'message',
          id: 'msg_1',
          status: 'completed',
          role: 'assistant',
          content: said,
        },
      ),
    ).toEqual([
      { role: 'developer', content: 'Be short.' },
      { role: 'user', content: parts },
      { role: 'assistant', content: said },
    ]);
  });

  it('tells the thoughts, words and calls of one answer as one message', () => {
    const items = [
      { type: 'reasoning', id: 'rs_1', summary: [], content: [{ type: 'reasoning_text', text: 'hm' }] },
      { type: 'message', role: 'assistant', content: [{ type: 'output_text', text: 'I look.' }] },
      call('call_1'),
      call('call_2'),
      { type: 'function_call_output', call_id: 'call_1', output: 'one' },
      { type: 'function_call_output', call_id: 'call_2', output: [{ type: 'input_text', text: 'two' }] },
      call('call_3'),
    ];
    expect(told(...items)).toEqual([
      {
        message: {
          role: 'assistant',
          reasoning_content: 'hm',
          content: [{ type: 'output_text', text: 'I look.' }],
          tool_calls: [called('call_1'), called('call_2')],
        },
        origin: 'input[0]',
      },
      { message: { role: 'tool', tool_call_id: 'call_1', content: 'one' }, origin: 'input[4]' },
      {
        message: { role: 'tool', tool_call_id: 'call_2', content: [{ type: 'input_text', text: 'two' }] },
        origin: 'input[5]',
      },
      { message: { role: 'assistant', tool_calls: [called('call_3')] }, origin: 'input[6]' },
    ]);
  });

  it('leaves out thoughts that nobody can read, and takes summaries for thoughts', () => {
    const encrypted = { type: 'reasoning', id: 'rs_1', summary: [], encrypted_content: 'gAAAA' };
    const summed = { type: 'reasoning', id: 'rs_2', summary: [{ type: 'summary_text', text: 'so' }], content: null };
    expect(messages(encrypted)).toEqual([]);
    expect(messages(summed)).toEqual([{ role: 'assistant', reasoning_content: 'so' }]);
  });

  it.each([
    [{ type: 'web_search_call', id: 'ws_1', status: 'completed' }, 'input[0].type'],
    [{ role: 'tool', content: 'x' }, 'input[0].role'],
    [{ type: 'function_call', call_id: 'a', arguments: '{}' }, 'input[0].name'],
    ['text', 'input[0]'],
  ])('does not have %j', (item, param) => {
    expect(() => told(item)).toThrow(
      expect.objectContaining({ status: 400, body: { error: expect.objectContaining({ param }) } }),
    );
  });

  it('refers to other items by their ids', () => {
    expect([
      referenceOf({ type: 'item_reference', id: 'a' }),
      referenceOf({ id: 'b' }),
      referenceOf({ type: 'message', id: 'c' }),
      referenceOf({ role: 'user', content: '', id: 'd' }),
      referenceOf('e'),
    ]).toEqual(['a', 'b', null, null, null]);
  });
});
