/** Lists of functions and schemas as servers and generators write them: all are taken. */
import { Validator, type Schema } from '@cfworker/json-schema';
import fc from 'fast-check';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { GrammarReader } from '@llmesh/core/form/grammar-reader';
import { jsonGrammar } from '@llmesh/core/form/json-grammar';
import { readJsonSchema } from '@llmesh/core/form/json-schema';
import { genericForm } from '@llmesh/core/syntax/generic-form';
import { loweredSchema } from '@llmesh/core/form/lower/lowered-schema';
import { FORM_PARAMETERS, formOf } from './answer-form.ts';
import { ApiError } from './api-error.ts';
import { SCHEMAS, SERVERS } from '../testing/public-schemas.ts';

/** With functions, as a provider holds a model to it that was never taught to call. */
const form = (request: object) => {
  const { schema, tools, system, wanted } = formOf(v.parse(v.object(FORM_PARAMETERS), request));
  return { wanted, ...(tools === null ? { schema, system } : genericForm(tools, schema ?? undefined)) };
};
const refusal = (request: object) => {
  try {
    form(request);
  } catch (thrown) {
    if (thrown instanceof ApiError) return thrown.body.error;
    throw thrown;
  }
  throw new Error('It was not refused.');
};
const toolOf = (name: string, parameters: object, more: object = {}) => ({
  type: 'function',
  function: { name, description: 'Does it.', parameters, ...more },
});
const formatOf = (schema: object, more: object = {}) => ({
  response_format: { type: 'json_schema', json_schema: { name: 'answer', schema, ...more } },
});
/** Whether an answer may be a value. */
const allowing = (schema: string) => {
  const begin = new GrammarReader(jsonGrammar(readJsonSchema(schema)));
  return (value: unknown) => {
    const reader = new GrammarReader(begin);
    try {
      reader.read(JSON.stringify(value));
      return reader.mayEnd;
    } catch (thrown) {
      expect(thrown).toMatchObject({ code: 'bad_schema' });
      return false;
    }
  };
};
const allows = (schema: string, value: unknown) => allowing(schema)(value);

describe('the functions of public servers', () => {
  it.each(Object.entries(SERVERS))('are taken: %s', (_, functions) => {
    const { schema, system } = form({ tools: functions.map(({ name, parameters }) => toolOf(name, parameters)) });
    for (const { name, parameters, call } of functions) {
      expect(new Validator(parameters as Schema).validate(call).valid).toBe(true);
      expect(allows(schema ?? '', { tool_calls: [{ name, arguments: call }] })).toBe(true);
      expect(system).toContain(`"name":"${name}"`);
    }
  });

  it('are taken all together, up to 128', () => {
    const all = Object.values(SERVERS).flat();
    const tools = Array.from({ length: 128 }, (_, i) => toolOf(`f${i}`, all[i % all.length]!.parameters));
    const isAllowed = allowing(form({ tools }).schema ?? '');
    for (let i = 0; i < 128; i += 1) {
      expect(isAllowed({ tool_calls: [{ name: `f${i}`, arguments: all[i % all.length]!.call }] })).toBe(true);
    }
  });

  it('are refused by their place and name where they have none, or are to be strict and cannot be', () => {
    const good = toolOf('good', { type: 'object', properties: {} });
    const bad = toolOf('page', { type: 'object', properties: { n: 'integer' } });
    expect(refusal({ tools: [good, bad] })).toMatchObject({
      param: 'tools[1].function.parameters',
      code: 'invalid_schema',
      message: expect.stringMatching(/#\/properties\/n is not a schema.* function page/),
    });
    const even = { type: 'object', properties: { n: { type: 'integer', multipleOf: 2 } } };
    expect(refusal({ tools: [toolOf('page', even, { strict: true })] })).toMatchObject({
      param: 'tools[0].function.parameters',
      message: expect.stringMatching(/function page, #\/properties\/n uses "multipleOf"/),
    });
    expect(form({ tools: [toolOf('page', even)] }).wanted.calls.get('page')).toEqual(even);
    expect(refusal({ tools: [toolOf('f', { $comment: 'x'.repeat(300_000) })] })).toMatchObject({ param: 'tools' });
  });
});

describe('a response format', () => {
  it.each(Object.entries(SCHEMAS))('is taken as generators write it: %s', (_, { schema, right, wrong }) => {
    const { schema: held, system, wanted } = form(formatOf(schema));
    expect(system).toContain('You answer with JSON alone.');
    for (const value of right) expect([value, allows(held ?? '', value)]).toEqual([value, true]);
    // What the grammar lets through is found when it is whole.
    const checks = (value: unknown) => wanted.said === null || new Validator(schema).validate(value).valid;
    for (const value of wrong) expect([value, allows(held ?? '', value) && checks(value)]).toEqual([value, false]);
  });

  it('goes with functions: the answer is calls, or such a value', () => {
    const { schema, system } = form({ ...formatOf({ type: 'integer', minimum: 1 }), tools: [toolOf('f', {})] });
    expect(allows(schema ?? '', { value: 12 })).toBe(true);
    expect(allows(schema ?? '', { value: 0 })).toBe(false);
    expect(allows(schema ?? '', { tool_calls: [{ name: 'f', arguments: {} }] })).toBe(true);
    expect(system).toContain('{"value":…}');
  });

  it('needs no name, and any JSON may have a schema', () => {
    const schema = { type: 'object', properties: { a: { type: 'null' } }, required: ['a'] };
    const unnamed = form({ response_format: { type: 'json_schema', json_schema: { schema } } });
    const any = form({ response_format: { type: 'json_object', schema } });
    for (const { schema: held } of [unnamed, any]) expect(allows(held ?? '', { a: null })).toBe(true);
  });

  it('tells the model its names and descriptions, as far as there is room', () => {
    const described = { type: 'object', properties: { city: { type: 'string', description: 'Where it rains.' } } };
    expect(form(formatOf(described, { description: 'The weather.' })).system).toMatch(
      /answer: The weather\..*Where it/s,
    );
    const long = { ...described, description: 'x'.repeat(20_000) };
    expect(form(formatOf(long)).system?.length).toBeLessThan(20_000);
  });

  it('is refused where it is to be strict and cannot be', () => {
    expect(refusal(formatOf({ type: 'array', uniqueItems: true }, { strict: true }))).toMatchObject({
      param: 'response_format.json_schema.schema',
      message: expect.stringMatching(/# uses "uniqueItems"/),
    });
  });
});

describe('a lowered schema', () => {
  const leaf = fc.constantFrom<object>(
    { type: 'string', minLength: 1, maxLength: 3 },
    { type: 'string', pattern: '^[ab]+$' },
    { type: 'integer', minimum: -3, maximum: 40 },
    { type: 'number', exclusiveMinimum: 0 },
    { type: ['string', 'null'] },
    { type: 'integer', multipleOf: 3 },
    { enum: ['a', 'ab', 7, null] },
    { const: 'b' },
    { not: { type: 'string' } },
    {},
  );
  const { schema } = fc.letrec<{ schema: object }>((tie) => ({
    schema: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      leaf,
      fc.record({ anyOf: fc.array(tie('schema'), { minLength: 1, maxLength: 3 }) }),
      fc.record({ allOf: fc.array(tie('schema'), { minLength: 1, maxLength: 2 }) }),
      fc.record({ type: fc.constant('array'), items: tie('schema'), maxItems: fc.nat(3) }),
      fc.record({
        type: fc.constant('object'),
        properties: fc.record({ a: tie('schema'), b: tie('schema') }, { requiredKeys: [] }),
        required: fc.subarray(['a', 'b']),
      }),
    ),
  }));
  const { value } = fc.letrec<{ value: unknown }>((tie) => ({
    value: fc.oneof(
      { depthSize: 'small' },
      fc.constantFrom<unknown>('a', 'ab', 'b', '', 'xyz', 0, 3, 7, 40, -3, 1.5, true, null),
      fc.array(tie('value'), { maxLength: 3 }),
      fc.record({ a: tie('value'), b: tie('value') }, { requiredKeys: [] }),
    ),
  }));

  it('allows each value that the schema itself allows', () => {
    fc.assert(
      fc.property(schema, fc.array(value, { minLength: 5, maxLength: 20 }), (own, values) => {
        const right = values.filter((one) => new Validator(own as Schema).validate(one).valid);
        let lowered: string;
        try {
          lowered = JSON.stringify(loweredSchema(own).schema);
        } catch (thrown) {
          expect(thrown).toMatchObject({ code: 'bad_schema', message: expect.stringMatching(/no value/) });
          expect(right).toEqual([]);
          return;
        }
        // Keys come in the order of the schema, and no others than it declares.
        const told = right.filter((one) => !hasObject(one));
        for (const one of told) expect([own, one, allows(lowered, one)]).toEqual([own, one, true]);
      }),
      { numRuns: 300 },
    );
  });
});

function hasObject(value: unknown): boolean {
  if (Array.isArray(value)) return value.some(hasObject);
  return typeof value === 'object' && value !== null;
}
