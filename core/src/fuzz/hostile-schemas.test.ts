/** Schemas of strangers: refused, or read and followed in bounds. That llama.cpp is in bounds: `answer-grammar.test.ts`. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { grammarText, many, optional, rule, text as word, type Row } from '../form/grammar.ts';
import { GrammarReader } from '../form/grammar-reader.ts';
import { jsonGrammar } from '../form/json-grammar.ts';
import { readJsonSchema } from '../form/json-schema.ts';
import { countWays, MAX_WAYS } from '../form/schema-ways.ts';
import { HOSTILE_SCHEMAS } from './hostile-schemas.ts';
import { schemaText, textOf } from './schema-arbitrary.ts';

const text = { type: 'string' };
const ref = (name: string) => ({ $ref: `#/$defs/${name}` });
const grammarOf = (schema: object) => jsonGrammar(readJsonSchema(JSON.stringify(schema)));

/** Schemas like those that zod, pydantic, OpenAPI and MCP write, each with a value that follows it. */
const ORDINARY: Record<string, [schema: object, value: unknown]> = {
  'what may be missing': [{ anyOf: [text, { type: 'null' }] }, null],
  'types in a list': [{ type: ['string', 'integer', 'null'] }, 7],
  'whole numbers and others': [{ anyOf: [{ type: 'integer' }, { type: 'number' }] }, 1.5],
  'values with a beginning in common': [{ enum: ['get', 'get_all', 'get_one', 'set'] }, 'get_one'],
  'values one by one': [{ oneOf: [{ const: 'a' }, { const: 'ab' }, text] }, 'abc'],
  'objects by a constant': [
    {
      oneOf: [
        { type: 'object', properties: { type: { const: 'circle' }, r: { type: 'number' } }, required: ['type', 'r'] },
        { type: 'object', properties: { type: { const: 'square' }, a: { type: 'number' } }, required: ['type', 'a'] },
      ],
    },
    { type: 'square', a: 2 },
  ],
  'objects of which one has more': [
    {
      anyOf: [
        { type: 'object', properties: { id: text }, required: ['id'] },
        { type: 'object', properties: { id: text, name: text }, required: ['id', 'name'] },
      ],
    },
    { id: 'x', name: 'y' },
  ],
  'one or many': [
    { anyOf: [ref('item'), { type: 'array', items: ref('item') }], $defs: { item: { properties: { id: text } } } },
    [{ id: 'x' }, {}],
  ],
  'any JSON, by its own name': [
    {
      ...ref('json'),
      $defs: {
        json: {
          anyOf: [
            { type: ['string', 'number', 'boolean', 'null'] },
            { type: 'array', items: ref('json') },
            { type: 'object', additionalProperties: ref('json') },
          ],
        },
      },
    },
    { a: [1, { b: null }], c: 'x' },
  ],
  'a tree of elements': [
    {
      type: 'object',
      properties: {
        type: { enum: ['div', 'button', 'header', 'section', 'field', 'form'] },
        label: text,
        children: { type: 'array', items: { $ref: '#' } },
        attributes: { type: 'array', items: { $ref: '#/$defs/attribute' } },
      },
      required: ['type', 'label', 'children', 'attributes'],
      $defs: { attribute: { type: 'object', properties: { name: text, value: text }, required: ['name', 'value'] } },
    },
    { type: 'div', label: '', children: [{ type: 'form', label: 'f', children: [], attributes: [] }], attributes: [] },
  ],
  'sums and products, by a kind with a default': [
    {
      ...ref('term'),
      $defs: {
        term: { anyOf: [ref('number'), ref('sum'), ref('product')] },
        number: {
          type: 'object',
          properties: { kind: { const: 'number' }, value: { type: 'number' } },
          required: ['value'],
        },
        sum: {
          type: 'object',
          properties: { kind: { const: 'sum', default: 'sum' }, left: ref('term'), right: ref('term') },
          required: ['kind', 'left', 'right'],
        },
        product: {
          type: 'object',
          properties: { kind: { const: 'product', default: 'product' }, left: ref('term'), right: ref('term') },
          required: ['kind', 'left', 'right'],
        },
      },
    },
    { kind: 'sum', left: { value: 1 }, right: { kind: 'product', left: { value: 2 }, right: { value: 3 } } },
  ],
  'conditions that hold conditions': [
    {
      ...ref('filter'),
      $defs: {
        filter: { anyOf: [ref('all'), ref('some'), ref('not'), ref('compare')] },
        all: { type: 'object', properties: { and: { type: 'array', items: ref('filter') } }, required: ['and'] },
        some: { type: 'object', properties: { or: { type: 'array', items: ref('filter') } }, required: ['or'] },
        not: { type: 'object', properties: { not: ref('filter') }, required: ['not'] },
        compare: {
          type: 'object',
          properties: { field: text, op: { enum: ['<', '<=', '='] }, value: { type: ['string', 'number', 'null'] } },
          required: ['field', 'op', 'value'],
        },
      },
    },
    { and: [{ not: { field: 'a', op: '<=', value: 1 } }, { or: [] }] },
  ],
  'a kind behind what all have': [
    {
      ...ref('node'),
      $defs: {
        node: { anyOf: [ref('task'), ref('group')] },
        task: {
          type: 'object',
          properties: { id: text, title: text, kind: { const: 'task' } },
          required: ['id', 'title', 'kind'],
        },
        group: {
          type: 'object',
          properties: { id: text, title: text, kind: { const: 'group' }, nodes: { type: 'array', items: ref('node') } },
          required: ['id', 'title', 'kind', 'nodes'],
        },
      },
    },
    { id: '1', title: 't', kind: 'group', nodes: [{ id: '2', title: 'u', kind: 'task' }] },
  ],
  'a list with links': [
    {
      type: 'object',
      properties: { value: { type: 'integer' }, next: { anyOf: [{ $ref: '#' }, { type: 'null' }] } },
      required: ['value', 'next'],
    },
    { value: 1, next: { value: 2, next: null } },
  ],
  'a hundred optional keys': [
    { type: 'object', properties: Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`option_${i}`, text])) },
    { option_3: 'x', option_99: 'y' },
  ],
};

describe('a schema of a stranger', () => {
  it.each(HOSTILE_SCHEMAS)('is $verdict: $name', ({ schema, verdict }) => {
    const read = () => jsonGrammar(readJsonSchema(schema));
    if (verdict === 'accepted') expect(grammarText(read())).toContain('root ::= ');
    else
      expect(read).toThrow(expect.objectContaining({ code: 'bad_schema', message: expect.stringMatching(/schema/) }));
  });

  it.each(Object.entries(ORDINARY))('is accepted where it is an ordinary one: %s', (_, [schema, value]) => {
    const reader = new GrammarReader(grammarOf(schema));
    reader.read(JSON.stringify(value));
    expect(reader.mayEnd).toBe(true);
  });

  it('takes a grammar that grows no faster than it does', () => {
    const keys = (count: number) => {
      const properties = Object.fromEntries(Array.from({ length: count }, (_, i) => [`p${1_000 + i}`, text]));
      return grammarText(grammarOf({ properties })).length;
    };
    expect(keys(400) / keys(100)).toBeLessThan(5);
  });

  it('is told what to do where alternatives cannot be told apart', () => {
    const list = (more: object) => ({ type: 'array', items: { $ref: '#' }, ...more });
    const read = () => grammarOf({ type: 'array', items: { anyOf: [list({ maxItems: 3 }), list({ maxItems: 4 })] } });
    expect(read).toThrow(/#\/items leads back to itself .* "const"/);
  });

  it('is followed in no more ways than were counted, whatever it is', () => {
    const picks = fc.array(fc.nat(), { minLength: 1, maxLength: 50 });
    fc.assert(
      fc.property(schemaText, picks, (schemaOfStranger, numbers) => {
        let schema;
        try {
          schema = readJsonSchema(schemaOfStranger);
        } catch (thrown) {
          expect(thrown).toMatchObject({ code: 'bad_schema' });
          return;
        }
        let at = 0;
        const answer = textOf(schema, (below) => numbers[(at += 1) % numbers.length]! % below);
        const counted = countWays(schema);
        expect(counted).toBeLessThanOrEqual(MAX_WAYS);
        if (answer === null) return;
        const reader = new GrammarReader(jsonGrammar(schema));
        for (const character of answer.slice(0, 500)) {
          reader.read(character);
          expect(reader.ways).toBeLessThanOrEqual(counted);
        }
        if (answer.length <= 500) expect(reader.mayEnd).toBe(true);
      }),
      { numRuns: 60 },
    );
  });
});

describe('a grammar', () => {
  it('is not written for bounds the wrong way round, no matter who let them through', () => {
    const wrong = { minLength: 9, maxLength: 2 };
    expect(() => jsonGrammar({ root: { kind: 'string', ...wrong }, named: {} })).toThrow(
      expect.objectContaining({ code: 'bad_schema' }),
    );
    const list = { kind: 'list' as const, items: { kind: 'null' as const }, minItems: 3, maxItems: 0 };
    expect(() => jsonGrammar({ root: list, named: {} })).toThrow(expect.objectContaining({ code: 'bad_schema' }));
  });

  const root = rule('root');
  const bracketed: Row[] = [[word('['), root, word(']')], [word('x')]];
  it.each<[string, Record<string, Row[]>]>([
    ['doubles at each step', { root: [[rule('a')], [rule('b')]], a: bracketed, b: [...bracketed] }],
    ['begins with itself', { root: [[root, word('[')], [word('[')]] }],
    ['repeats nothing', { root: [[many(many(optional(word('y')))), many(word('['))]] }],
  ])('that %s is followed so far, and no further', (_, rules) => {
    const reader = new GrammarReader(new Map(Object.entries(rules)));
    const read = () => {
      for (let i = 0; i < 40; i += 1) reader.read('[');
      return 'read';
    };
    let outcome: unknown;
    try {
      outcome = read();
    } catch (thrown) {
      outcome = (thrown as { code: string }).code;
    }
    expect(['read', 'unsupported']).toContain(outcome);
  });
});
