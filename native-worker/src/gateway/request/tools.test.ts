import { describe, expect, it } from 'vitest';
import { grammarText } from '@llmesh/core/form/grammar';
import { jsonGrammar } from '@llmesh/core/form/json-grammar';
import { readJsonSchema } from '@llmesh/core/form/json-schema';
import { loweredSchema } from '@llmesh/core/form/lower/lowered-schema';
import { ToolReader, type ToolPiece } from '../answer/tool-reader.ts';
import { answerTurn, planTools, type Tool } from './tools.ts';

const tool = (one: Omit<Tool, 'held'>): Tool => ({
  ...one,
  held: loweredSchema(one.parameters ?? {}, undefined, true),
});
const weather = tool({
  name: 'get_weather',
  description: 'Now.',
  parameters: { type: 'object', properties: { city: { enum: ['Oslo', 'Rome'] } }, required: ['city'] },
});
const tree = tool({
  name: 'plant',
  description: null,
  parameters: {
    type: 'object',
    properties: { kind: { $ref: '#/$defs/kind' }, branches: { type: 'array', items: { $ref: '#' }, maxItems: 2 } },
    required: ['kind'],
    $defs: { kind: { enum: ['oak', 'elm'] } },
  },
});
const parallel = { parallel: true, said: null };
const fault = (run: () => unknown) => {
  try {
    run();
    return null;
  } catch (thrown) {
    return thrown;
  }
};

describe('functions that a model may call', () => {
  it('are a schema of its whole answer, with their parts under names of their own', () => {
    const { schema, system } = planTools([weather, tree], 'auto', parallel);
    const { root, named } = readJsonSchema(schema);
    expect(root).toMatchObject({ kind: 'choice' });
    expect(Object.keys(named)).toEqual(['#/$defs/plant.', '#/$defs/plant.0']);
    expect(grammarText(jsonGrammar({ root, named }))).toContain('"\\"Oslo\\""');
    expect(system).toContain('"name":"get_weather","description":"Now."');
  });

  it('leave it no choice where there is to be none', () => {
    expect(JSON.parse(planTools([weather], 'required', { parallel: false, said: null }).schema)).toMatchObject({
      properties: { tool_calls: { maxItems: 1 } },
    });
    const named = planTools([weather, tree], { name: 'plant' }, parallel);
    expect(named.schema).not.toContain('get_weather');
    expect(named.system).not.toContain('"content"');
  });

  it('or say something of a form, which is read as JSON', () => {
    const { schema } = planTools([weather], 'auto', {
      parallel: true,
      said: { $ref: '#/$defs/0', $defs: { 0: { enum: ['"}'] } } },
    });
    expect(JSON.parse(schema)).toMatchObject({ anyOf: [{ properties: { value: { $ref: '#/$defs/.0' } } }, {}] });
    expect(read('{"value":"\\"}"}', 1)).toEqual([{ type: 'content', text: '"\\"}"' }]);
    expect(read('{"value":{"a":[1,"}"]}}', 3)).toEqual([{ type: 'content', text: '{"a":[1,"}"]}' }]);
    expect(read('{"value":12}', 2)).toEqual([{ type: 'content', text: '12' }]);
  });

  it('are refused when the one to call is not there', () => {
    expect(fault(() => planTools([weather], { name: 'other' }, parallel))).toMatchObject({ code: 'bad_schema' });
  });
});

/** Reads in pieces of `size` characters, and joins neighbours of one kind. */
function read(text: string, size: number): ToolPiece[] {
  const reader = new ToolReader();
  const joined: ToolPiece[] = [];
  for (let at = 0; at < text.length; at += size) {
    for (const piece of reader.push(text.slice(at, at + size))) {
      const last = joined.at(-1);
      if (last !== undefined && last.type === piece.type && 'text' in last && 'text' in piece) last.text += piece.text;
      else joined.push({ ...piece });
    }
  }
  return joined;
}

describe('an answer with functions to call', () => {
  const said = 'He said: "no" – \\ é 😀\n';
  const calls = [
    { name: 'get_weather', arguments: '{"city":"Oslo"}' },
    { name: 'plant', arguments: '{"kind":"a}\\"]{","branches":[{"kind":"elm"}]}' },
    { name: 'now', arguments: '{}' },
  ];

  it.each([1, 2, 3, 7, 1_000])('is read as it comes, %i characters at a time', (size) => {
    expect(read(answerTurn(said, []).content, size)).toEqual([{ type: 'content', text: said }]);
    expect(read('{"content":"\\ud83d\\ude00\\u00e9"}', size)).toEqual([{ type: 'content', text: '😀é' }]);
    expect(read(answerTurn('', calls).content, size)).toEqual(
      calls.flatMap(({ name, arguments: text }, index) => [
        { type: 'call', index, name },
        { type: 'arguments', index, text },
      ]),
    );
  });

  it('that was cut short gives what there is', () => {
    expect(read('{"content":"Hel', 2)).toEqual([{ type: 'content', text: 'Hel' }]);
    expect(read('{"tool_calls":[{"name":"f","arguments":{"a":"b', 3)).toEqual([
      { type: 'call', index: 0, name: 'f' },
      { type: 'arguments', index: 0, text: '{"a":"b' },
    ]);
  });

  it('says nothing new in an empty string', () => {
    expect(read('{"content":""}', 1)).toEqual([]);
  });
});
