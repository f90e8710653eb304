import { describe, expect, it } from 'vitest';
import { toldMessages, toldSystem } from './message-turns.ts';

describe('the messages of a request', () => {
  it('are texts, thoughts, calls and results, in their order', () => {
    const use = (id: string) => ({ type: 'tool_use', id, name: 'look', input: { at: 1 }, caller: { type: 'direct' } });
    const call = (id: string) => ({ id, type: 'function', function: { name: 'look', arguments: '{"at":1}' } });
    const told = toldMessages([
      { role: 'user', content: 'Look!' },
      {
        role: 'assistant',
        content: [
          { type: 'thinking', thinking: 'hm', signature: 'x' },
          { type: 'redacted_thinking', data: 'y' },
          { type: 'text', text: 'I do.', citations: null },
          use('a'),
          use('b'),
        ],
      },
      {
        role: 'user',
        content: [
          { type: 'tool_result', tool_use_id: 'a', content: [{ type: 'text', text: 'one' }] },
          { type: 'tool_result', tool_use_id: 'b', is_error: true, content: 'broken' },
          { type: 'text', text: 'And ', cache_control: { type: 'ephemeral' } },
          { type: 'text', text: 'now?' },
        ],
      },
    ]);
    expect(told).toEqual([
      { message: { role: 'user', content: 'Look!' }, origin: 'messages[0]' },
      {
        message: { role: 'assistant', content: 'I do.', reasoning_content: 'hm', tool_calls: [call('a'), call('b')] },
        origin: 'messages[1]',
      },
      { message: { role: 'tool', tool_call_id: 'a', content: 'one' }, origin: 'messages[2].content[0]' },
      { message: { role: 'tool', tool_call_id: 'b', content: 'Error: broken' }, origin: 'messages[2].content[1]' },
      { message: { role: 'user', content: 'And now?' }, origin: 'messages[2]' },
    ]);
  });

  it('may have documents of text', () => {
    const source = { type: 'text', media_type: 'text/plain', data: 'All of it.' };
    const content = [
      { type: 'document', title: 'Book', source },
      { type: 'text', text: 'Sum it up.' },
    ];
    expect(toldMessages([{ role: 'user', content }])[0]?.message.content).toBe('Book\n\nAll of it.\n\nSum it up.');
  });

  it.each([
    [{ role: 'tool', content: 'x' }, 'messages[0].role'],
    [{ role: 'user', content: [{ type: 'image', source: {} }] }, 'messages[0].content[0].type'],
    [
      { role: 'user', content: [{ type: 'document', source: { type: 'base64' } }] },
      'messages[0].content[0].source.type',
    ],
    [{ role: 'user', content: [{ type: 'tool_result', content: 'x' }] }, 'messages[0].content[0].tool_use_id'],
    [{ role: 'assistant', content: [{ type: 'tool_use', id: 'a', name: 'b' }] }, 'messages[0].content[0].input'],
    [{ role: 'assistant', content: [{ type: 'server_tool_use' }] }, 'messages[0].content[0].type'],
    [{ role: 'user' }, 'messages[0].content'],
  ])('are not %j', (message, param) => {
    const named = expect.objectContaining({ body: { error: expect.objectContaining({ param }) } });
    expect(() => toldMessages([message])).toThrow(named);
  });

  it('have the system before them, as text or as blocks', () => {
    const system = [
      { type: 'text', text: 'Be brief.' },
      { type: 'text', text: 'Be kind.' },
    ];
    expect(toldSystem(system)).toEqual([
      { message: { role: 'system', content: 'Be brief.\n\nBe kind.' }, origin: 'system' },
    ]);
    expect(toldSystem('')).toEqual([]);
  });
});
