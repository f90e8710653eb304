import { describe, expect, it } from 'vitest';
import { readJsonSchema } from './json-schema.ts';
import { MAX_SCHEMA_CHARS } from '../wire/fields.ts';

const read = (schema: unknown) => readJsonSchema(JSON.stringify(schema));
const fault = (text: string) => {
  try {
    readJsonSchema(text);
    return null;
  } catch (thrown) {
    return thrown;
  }
};

describe('a JSON schema', () => {
  it('is read without the words for people in it', () => {
    const { root } = read({
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      title: 'Weather',
      type: 'object',
      properties: { city: { type: 'string', description: 'Where', maxLength: 9 }, days: { type: ['integer', 'null'] } },
      required: ['city'],
      additionalProperties: false,
    });
    expect(root).toEqual({
      kind: 'object',
      required: [['city', { kind: 'string', minLength: 0, maxLength: 9 }]],
      optional: [['days', { kind: 'choice', shapes: [{ kind: 'integer' }, { kind: 'null' }] }]],
    });
  });

  it('may refer to itself', () => {
    const list = { type: 'object', properties: { next: { anyOf: [{ $ref: '#/$defs/list' }, { type: 'null' }] } } };
    const { root, named } = read({ $ref: '#/$defs/list', $defs: { list } });
    expect(root).toEqual({ kind: 'named', name: '#/$defs/list' });
    expect(named['#/$defs/list']).toMatchObject({ kind: 'object' });
  });

  it.each([
    ['a keyword that cannot be enforced', { type: 'array', uniqueItems: true }, /"uniqueItems"/],
    ['a pattern that is not regular', { type: 'string', pattern: '^(a+)\\1$' }, /"pattern"/],
    ['bounds that no number meets', { type: 'integer', minimum: 3, maximum: 2 }, /no number/],
    [
      'one deep inside, by where it is',
      { type: 'array', items: { type: 'object', properties: { a: { not: {} } } } },
      /#\/items\/properties\/a/,
    ],
    ['several at once', { allOf: [{ type: 'string' }, { type: 'string' }] }, /allOf/],
    ['a name for nothing', { $ref: '#/$defs/none' }, /not there/],
    ['another document', { $ref: 'https://example.org/schema.json' }, /not there/],
    [
      'a name for itself',
      {
        $ref: '#/$defs/a',
        $defs: { a: { $ref: '#/$defs/b' }, b: { anyOf: [{ $ref: '#/$defs/a' }, { type: 'null' }] } },
      },
      /itself/,
    ],
    ['a required key that is not declared', { type: 'object', properties: {}, required: ['a'] }, /not declared/],
    ['an unknown type', { type: 'date' }, /type/],
    ['a type that every object has', JSON.parse('{"type":"__proto__"}'), /type/],
    ['a type in a list that is not a name', { type: [{ toString: 'x' }] }, /list of names/],
    [
      'a required key that is not a name',
      { type: 'object', properties: {}, required: [{ toString: 'x' }] },
      /list of names/,
    ],
    ['a schema that is not an object', 7, /not a schema/],
    ['an empty choice', { enum: [] }, /short list/],
    ['a huge list', { type: 'array', minItems: 1_000_000 }, /whole number/],
  ])('is refused for %s', (_, schema, says) => {
    expect(fault(JSON.stringify(schema))).toMatchObject({ code: 'bad_schema', message: expect.stringMatching(says) });
  });

  it('is refused when it is not JSON, too long, too deep, or too large', () => {
    let deep: unknown = { type: 'string' };
    for (let i = 0; i < 100; i++) deep = { type: 'array', items: deep };
    const wide = {
      anyOf: Array.from({ length: 100 }, () => ({ anyOf: Array.from({ length: 21 }, () => ({ type: 'null' })) })),
    };
    const long = { anyOf: Array.from({ length: 30 }, () => ({ type: 'string', maxLength: 200 })) };
    for (const text of [
      '{',
      JSON.stringify(long),
      ' '.repeat(MAX_SCHEMA_CHARS + 1),
      JSON.stringify(deep),
      JSON.stringify(wide),
    ]) {
      expect(fault(text)).toMatchObject({ code: 'bad_schema' });
    }
  });
});
