import { describe, expect, it } from 'vitest';
import { readJsonSchema } from '../json-schema.ts';
import { affordable, loweredArguments } from './lowered-arguments.ts';
import { loweredSchema } from './lowered-schema.ts';
import { HOSTILE_SCHEMAS } from '../../fuzz/hostile-schemas.ts';

const text = { type: 'string' };
const open = (properties: object, required: string[] = []) => ({
  type: 'object',
  properties,
  ...(required.length > 0 && { required }),
  additionalProperties: false,
});
const nullable = (schema: object) => ({ anyOf: [schema, { type: 'null' }] });

describe('a lowered schema', () => {
  it.each<[string, unknown, object]>([
    [
      'drops words for people and unknown keywords',
      { type: 'string', title: 'A', 'x-order': 1, format: 'int32' },
      text,
    ],
    ['keeps bounds', { type: 'integer', minimum: 1, exclusiveMaximum: 9 }, { type: 'integer', minimum: 1, maximum: 8 }],
    [
      'reads bounds of draft 4',
      { type: 'number', minimum: 0, exclusiveMinimum: true, maximum: 1, exclusiveMaximum: false },
      { type: 'number', exclusiveMinimum: 0, maximum: 1 },
    ],
    [
      'takes the tightest of several',
      { allOf: [{ minLength: 2 }, { ...text, minLength: 3 }] },
      { ...text, minLength: 3 },
    ],
    ['joins objects', { allOf: [{ properties: { a: text } }, { required: ['a'] }] }, open({ a: text }, ['a'])],
    ['declares what is required', { type: 'object', required: ['a'] }, open({ a: {} }, ['a'])],
    [
      'puts what stands beside a choice into it',
      { properties: { a: text }, anyOf: [{ required: ['a'] }] },
      open({ a: text }, ['a']),
    ],
    ['knows what may be missing in OpenAPI 3.0', { ...text, nullable: true }, nullable(text)],
    ['keeps the values of their type', { ...text, enum: ['a', null, 1] }, { enum: ['a'] }],
    ['keeps the values that all name', { allOf: [{ enum: [1, 2] }, { const: 2 }] }, { enum: [2] }],
    ['drops alternatives without a value', { anyOf: [false, text] }, text],
    ['drops properties without a value', { type: 'object', properties: { a: false, b: text } }, open({ b: text })],
    [
      'spells out the keys of a record',
      { type: 'object', propertyNames: { enum: ['a'] }, additionalProperties: text },
      open({ a: text }),
    ],
    ['takes items of no type for a list', { items: text }, { type: 'array', items: text }],
    [
      'follows a path through escapes',
      { $ref: '#/components/a~1b%3Cc%3E', components: { 'a/b<c>': text } },
      { $ref: '#/$defs/0', $defs: { 0: text } },
    ],
    [
      'follows a path to a property',
      open({ a: text, b: { $ref: '#/properties/a' } }),
      { ...open({ a: text, b: { $ref: '#/$defs/0' } }), $defs: { 0: text } },
    ],
    [
      'puts what stands beside a reference into it',
      { $ref: '#/$defs/a', minLength: 2, $defs: { a: text } },
      { ...text, minLength: 2 },
    ],
    ['may lead back to itself', { type: 'array', items: { $ref: '#' } }, { type: 'array', items: { $ref: '#' } }],
  ])('%s', (_, schema, lowered) => {
    expect(loweredSchema(schema)).toEqual({ schema: lowered, gaps: [] });
  });

  it.each<[unknown, object, string, string]>([
    [{ type: 'integer', multipleOf: 5 }, { type: 'integer' }, '#', 'multipleOf'],
    [open({ a: { not: text } }), open({ a: {} }), '#/properties/a', 'not'],
    [{ ...text, maxLength: 100_000 }, text, '#', 'maxLength'],
    [{ ...text, pattern: '(a)\\1' }, text, '#', 'pattern'],
    [{ type: 'number', minimum: 0.5 }, { type: 'number', minimum: 0 }, '#', 'minimum'],
    [{ $ref: 'https://example.org/a.json' }, {}, '#', '$ref'],
    [{ prefixItems: [text], items: false }, { type: 'array', items: text, maxItems: 1 }, '#', 'prefixItems'],
    [{ enum: Array.from({ length: 5_000 }, (_, i) => `${i}`) }, text, '#', 'enum'],
    [
      { type: 'object', patternProperties: { a: text } },
      { type: 'object', additionalProperties: {} },
      '#',
      'patternProperties',
    ],
  ])('lists what is not enforced of %j', (schema, lowered, at, keyword) => {
    expect(loweredSchema(schema)).toEqual({ schema: lowered, gaps: [{ at, keyword }] });
  });

  it.each<[unknown, RegExp]>([
    [7, /# is not a schema/],
    [{ type: 'object', properties: { a: 'text' } }, /#\/properties\/a is not a schema/],
    [false, /no value/],
    [{ type: 'string', enum: [1] }, /no value/],
    [{ allOf: [text, { type: 'number' }] }, /no value/],
    [{ type: 'integer', minimum: 2, maximum: 1 }, /no value/],
  ])('does not exist for %j', (schema, says) => {
    expect(() => loweredSchema(schema)).toThrow(
      expect.objectContaining({ code: 'bad_schema', message: expect.stringMatching(says) }),
    );
  });

  it.each(HOSTILE_SCHEMAS.filter(({ schema }) => schema.length < 60_000))(
    'is soon there for a schema of a stranger, or soon refused: $name',
    ({ schema }) => {
      let value: unknown;
      try {
        value = JSON.parse(schema);
      } catch {
        return;
      }
      const begun = process.cpuUsage();
      try {
        const { schema: lowered } = loweredSchema(value);
        expect(() => readJsonSchema(JSON.stringify(lowered))).not.toThrow();
      } catch (thrown) {
        expect(thrown).toMatchObject({ code: 'bad_schema' });
      }
      // Processor time, not the clock's: the machine may have other work.
      const { user, system } = process.cpuUsage(begun);
      expect((user + system) / 1_000).toBeLessThan(3_000);
    },
  );

  it('loses only its depths where it is too large', () => {
    const wide = (levels: number): object =>
      levels === 0
        ? { ...text }
        : open(Object.fromEntries(Array.from({ length: 8 }, (_, i) => [`p${i}`, wide(levels - 1)])));
    const { schema, gaps } = loweredSchema(wide(5));
    expect(schema).toMatchObject({ properties: { p0: { properties: { p7: { type: 'object' } } } } });
    expect(gaps.length).toBeGreaterThan(0);
  });
});

describe('the parameters of many functions', () => {
  const wordy = (i: number) =>
    open({ [`query${i}`]: { ...text, maxLength: 200 }, limit: { type: 'integer', minimum: 1 } });
  const refused = (place: number, message: string) => new Error(`${place}: ${message}`);

  it('share what one schema may cost', () => {
    const lowered = loweredArguments(
      Array.from({ length: 128 }, (_, i) => wordy(i)),
      refused,
    );
    expect(lowered[0]?.gaps).toEqual([]);
    expect(lowered[127]?.gaps).toContainEqual({ at: '#/properties/query127', keyword: 'maxLength' });
    const together = {
      anyOf: lowered.map(({ schema }, i) => open({ name: { const: `f${i}` }, of: schema }, ['name'])),
    };
    expect(() => readJsonSchema(JSON.stringify(together))).not.toThrow();
  });

  it('are objects, and told by their place where they are not', () => {
    expect(loweredArguments([null, {}, { $schema: 'x' }], refused).map(({ schema }) => schema)).toMatchObject([
      { type: 'object' },
      { type: 'object' },
      { type: 'object' },
    ]);
    expect(() => loweredArguments([null, text], refused)).toThrow(/^1: /);
  });

  it('become any object from the largest on, until all can be read as one', () => {
    const lowered = loweredArguments([wordy(1), open({})], refused);
    const made = affordable(lowered, (some) => {
      const all = JSON.stringify(some);
      return readJsonSchema(all.includes('query') ? '7' : JSON.stringify({ anyOf: some.map(({ schema }) => schema) }));
    });
    expect(made.root.kind).toBe('map');
  });
});
