import { describe, expect, it } from 'vitest';
import { grammarText } from '../form/grammar.ts';
import { jsonGrammar } from '../form/json-grammar.ts';
import { readJsonSchema } from '../form/json-schema.ts';
import type { Tools } from '../protocol.ts';
import { callGrammar } from './call-grammar.ts';
import { genericForm } from './generic-form.ts';
import { toolsOf } from './tools.ts';

const weather = {
  name: 'get_weather',
  description: 'Now.',
  parameters: { type: 'object', properties: { city: { enum: ['Oslo', 'Rome'] } }, required: ['city'] },
};
const tree = {
  name: 'plant',
  parameters: {
    type: 'object',
    properties: { kind: { $ref: '#/$defs/kind' }, branches: { type: 'array', items: { $ref: '#' }, maxItems: 2 } },
    required: ['kind'],
    $defs: { kind: { enum: ['oak', 'elm'] } },
  },
};
const odd = { name: 'odd', parameters: { type: 'object', properties: { n: { not: {}, 'x-unit': 'm' } } } };
const offered = (tools: object[], choice: Tools['choice'] = 'auto', parallel = true): Tools => ({
  list: JSON.stringify(tools),
  choice,
  parallel,
});
const grammarOf = (schema: string) => grammarText(jsonGrammar(readJsonSchema(schema)));

describe('functions that a model may call', () => {
  it('are a schema of its whole answer, each with what its arguments are held to', () => {
    const { schema, system } = genericForm(offered([weather, tree]));
    expect(grammarOf(schema)).toContain('"\\"Oslo\\""');
    expect(grammarOf(schema)).toContain('"\\"elm\\""');
    expect(system).toContain('"name":"get_weather","description":"Now."');
    expect(system).toContain('{"content":"…"}');
  });

  it('leave it no choice where there is to be none', () => {
    const { schema } = genericForm(offered([weather], 'required', false));
    expect(JSON.parse(schema)).toMatchObject({ properties: { tool_calls: { maxItems: 1 } } });
    const named = genericForm(offered([weather, tree], { name: 'plant' }));
    expect(named.schema).not.toContain('get_weather');
    expect(named.system).not.toContain('"content"');
  });

  it('stand beside a schema of what is said', () => {
    const { schema, system } = genericForm(
      offered([weather]),
      JSON.stringify({ $ref: '#/$defs/a', $defs: { a: { enum: ['yes'] } } }),
    );
    expect(grammarOf(schema)).toContain('"\\"yes\\""');
    expect(system).toContain('{"value":…}');
  });

  it('are told as they are where they cannot be enforced', () => {
    const { schema, system } = genericForm(offered([odd]));
    expect(() => readJsonSchema(schema)).not.toThrow();
    expect(system).toContain('x-unit');
  });

  it.each([
    ['is not there', offered([weather], { name: 'other' })],
    ['has the name of another', offered([weather, weather])],
    ['has no name', offered([{ description: 'x' }])],
    ['is nowhere', offered([])],
    ['is no list', { ...offered([]), list: '{' }],
    [
      'goes too deep',
      offered([{ name: 'f', parameters: JSON.parse('{"a":'.repeat(99) + '1' + '}'.repeat(99)) as object }]),
    ],
  ])('are refused when one %s', (_, tools) => {
    expect(() => genericForm(tools)).toThrow(expect.objectContaining({ code: 'bad_schema' }));
  });

  it('are a grammar of one call in the dialect of a model', () => {
    const frame = { before: '<call>', between: '(', after: ')</call>' };
    const text = grammarText(callGrammar(frame, toolsOf(offered([weather, tree, odd]))));
    expect(text).toMatch(
      /^root ::= "<call>" \("get_weather\(" f0-root \| "plant\(" f1-root \| "odd\(" f2-root\) "\)<\/call>"/,
    );
    expect(text).toContain('f1-root ::=');
  });
});
