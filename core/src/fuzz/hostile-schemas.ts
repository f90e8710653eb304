/**
 * JSON schemas that strangers may send to do harm, and ordinary ones that look like them: each is either refused at once or
 * followed within bounds, by every reader.
 */

export interface HostileSchema {
  name: string;
  schema: string;
  verdict: 'refused' | 'accepted';
}

type Json = Record<string, unknown>;

const many = <T>(count: number, make: (i: number) => T): T[] => Array.from({ length: count }, (_, i) => make(i));
const ref = (name: string) => ({ $ref: `#/$defs/${name}` });
const object = (properties: Json, required: readonly string[] = Object.keys(properties), more: Json = {}) => ({
  type: 'object',
  properties,
  required,
  additionalProperties: false,
  ...more,
});
const named = (root: object, $defs: Json) => ({ ...root, $defs });
const nested = (levels: number, around: (inner: unknown) => unknown, core: unknown): unknown =>
  many(levels, () => null).reduce((inner: unknown) => around(inner), core);
const text = { type: 'string' };
const kind = (value: string) => ({ type: 'string', const: value });

/** Names of which each is a choice of the next one, twice, and has a property. */
function doubling(names: number): object {
  const $defs = Object.fromEntries(
    many(names, (i) => [`n${i}`, i === 0 ? text : { anyOf: [ref(`n${i - 1}`), ref(`n${i - 1}`)] }]),
  );
  const properties = Object.fromEntries(many(names, (i) => [`p${i}`, ref(`n${i}`)]));
  return named(object(properties, [`p${names - 1}`]), $defs);
}

/** Like `doubling`, with two different names on each level, so that nothing in it stands twice. */
function ladder(floors: number): object {
  const all = many(floors, (i) => i).flatMap((i) => [[i, 'a'] as const, [i, 'b'] as const]);
  const floor = (i: number, side: string) =>
    i === 0 ? text : { anyOf: [ref(`a${i - 1}`), ref(`b${i - 1}`), { const: [i, side] }] };
  const $defs = Object.fromEntries(all.map(([i, side]) => [`${side}${i}`, floor(i, side)]));
  return named(object(Object.fromEntries(all.map(([i, side]) => [`${side}${i}`, ref(`${side}${i}`)]))), $defs);
}

const selfList = { type: 'array', items: { $ref: '#' }, minItems: 1 };
const looksAlike = (i: number) =>
  object({ next: { anyOf: [{ $ref: '#' }, { type: 'null' }] } }, ['next'], { title: `${i}` });

const REFUSED: Record<string, unknown> = {
  'minItems above maxItems': { type: 'array', items: text, minItems: 9, maxItems: 2 },
  'minItems above maxItems of 0': { type: 'array', items: text, minItems: 1, maxItems: 0 },
  'minLength above maxLength': { type: 'string', minLength: 9, maxLength: 2 },
  'minLength above maxLength, in a list of types': { type: ['null', 'string'], minLength: 9, maxLength: 2 },
  'minLength above maxLength, deep inside': nested(9, (items) => ({ type: 'array', items }), {
    type: 'string',
    minLength: 256,
    maxLength: 255,
  }),
  'minItems above maxItems, behind a name nobody needs': named(object({ a: ref('x') }, []), {
    x: { type: 'array', minItems: 2, maxItems: 1 },
  }),
  'minimum above maximum': { type: 'integer', minimum: 5, maximum: 4 },
  'minimum above all that is written': { type: 'integer', minimum: Number.MAX_SAFE_INTEGER },
  'a bound between whole numbers': { type: 'number', minimum: 0.5 },
  'a bound below zero': { type: 'string', minLength: -1 },
  'a bound that is a fraction': { type: 'string', maxLength: 1.5 },
  'a bound as text': { type: 'string', maxLength: '9' },
  'a bound beyond all numbers': { type: 'array', maxItems: 1e308 },
  'lists in two ways': { anyOf: [selfList, { ...selfList, maxItems: 200 }] },
  'lists of lists in two ways, by two names': named(
    { anyOf: [ref('a'), ref('b')] },
    { a: { type: 'array', items: ref('b') }, b: { type: 'array', items: { anyOf: [ref('a'), ref('b')] } } },
  ),
  'objects with the same recursive key and other ends': {
    anyOf: [
      object({ next: { $ref: '#' }, a: text }),
      object({ next: { anyOf: [{ $ref: '#' }, text] }, b: text }),
      text,
    ],
  },
  'objects that part only behind what leads back': {
    anyOf: [
      object({ id: text, next: { type: 'array', items: { $ref: '#' } }, a: text }),
      object({ id: { type: 'string', maxLength: 9 }, next: { type: 'array', items: { $ref: '#' } }, b: text }),
    ],
  },
  'optional keys that lead back in two ways': {
    anyOf: [object({ a: { $ref: '#' }, b: text }, []), object({ a: { $ref: '#' }, c: text }, [])],
  },
  'a map and an object that both lead back': {
    anyOf: [{ type: 'object', additionalProperties: { $ref: '#' } }, object({ a: { $ref: '#' } }, []), text],
  },
  'an object that leads back beside whatever object': {
    anyOf: [
      object({ a: { $ref: '#' }, b: text }, []),
      { type: 'object', additionalProperties: { type: ['object', 'string'] } },
    ],
  },
  'a spelt-out list beside lists that lead back': {
    anyOf: [{ const: [[[[1]]]] }, { type: 'array', items: { $ref: '#' } }],
  },
  'a hundred ways to begin a list': {
    anyOf: many(100, (i) => ({ type: 'array', items: { $ref: '#' }, minItems: 1, maxItems: i + 2 })),
  },
  'too many objects that begin alike': {
    anyOf: many(120, (i) => object({ a: { type: 'string', minLength: i }, [`b${i}`]: text, [`c${i}`]: text })),
  },
  'a name that is only itself': named(ref('a'), { a: ref('a') }),
  'a ring of names': named(ref('a0'), Object.fromEntries(many(20, (i) => [`a${i}`, ref(`a${(i + 1) % 20}`)]))),
  'a ring of choices': named(
    ref('a0'),
    Object.fromEntries(many(9, (i) => [`a${i}`, { anyOf: [ref(`a${(i + 1) % 9}`), ref(`a${(i + 1) % 9}`), text] }])),
  ),
  'an object that needs itself': object({ next: { $ref: '#' } }),
  'a list that needs itself': selfList,
  'two objects that need each other': named(ref('a'), { a: object({ b: ref('b') }), b: object({ a: ref('a') }) }),
  'a choice of nothing that ends': { anyOf: [object({ a: { $ref: '#' } }), selfList] },
  'a choice of nothing': { anyOf: [] },
  'a name with a path': named(ref('a/b'), { a: { b: text } }),
  'a name that every object has': { $ref: '#/$defs/constructor', $defs: {} },
  'a name of a prototype': { $ref: '#/$defs/__proto__', $defs: {} },
  'a name that is a list': { $ref: ['#'] },
  'a pattern that looks back': { type: 'string', pattern: '^(a+)\\1$' },
  'a pattern that no text matches': { type: 'string', pattern: '^(?!a)a' },
  'a pattern of too many states': { type: 'string', pattern: 'a.{12}$' },
  'a pattern of too many repetitions': { type: 'string', pattern: '^((a{1000}){1000}){1000}$' },
  'a pattern nested too deeply': { type: 'string', pattern: `${'('.repeat(900)}${')'.repeat(900)}` },
  'too many patterns': object(
    Object.fromEntries(many(99, (i) => [`p${i}`, { type: 'string', pattern: `^.{${i},300}$` }])),
  ),
  'nested lists': nested(600, (items) => ({ type: 'array', items }), text),
  'nested choices': nested(600, (inner) => ({ anyOf: [inner] }), text),
  'a nested value': { const: nested(3_000, (inner) => [inner], 1) },
  'too many nodes': { anyOf: many(100, () => ({ anyOf: many(21, () => ({ type: 'null' })) })) },
  'long values in many choices': named(
    object(Object.fromEntries(many(100, (i) => [`p${i}`, { anyOf: [ref('v'), { const: `p${i}` }] }]))),
    { v: { enum: many(128, (i) => `${'v'.repeat(150)}${i}`) } },
  ),
  'too many values': { enum: many(1_025, String) },
  'too much that is spelt out': object(
    Object.fromEntries(many(40, (i) => [`p${i}`, { type: 'string', minLength: 200, maxLength: 256 }])),
  ),
  'types that do not exist': { type: many(400, () => 'constructor') },
};

const ACCEPTED: Record<string, unknown> = {
  'a pattern that takes a backtracking reader for ever': { type: 'string', pattern: '^(a+)+$' },
  'a pattern of many signs': { type: 'string', pattern: '^["\\\\\\n\\t\\]^-]{1,99}[^\\w\u{1f600}-\u{1f64f}]$' },
  'the same pattern in many choices': {
    anyOf: many(60, (i) => object({ at: { type: 'string', format: 'date' }, [`p${i}`]: text })),
  },
  'names that double': doubling(20),
  'a ladder of names': ladder(25),
  'lists in the same way twice': {
    anyOf: [
      { type: 'array', items: { $ref: '#' } },
      { type: 'array', items: { $ref: '#' } },
    ],
  },
  'the same object forty times': { anyOf: many(40, looksAlike) },
  'lists in the same way, by two names': named(
    { anyOf: [ref('a'), ref('b')] },
    { a: { type: 'array', items: { $ref: '#' } }, b: { type: 'array', items: { $ref: '#' } } },
  ),
  'values with much in common': { enum: many(128, (i) => `${'https://example.org/'.repeat(11)}${i}`) },
  'values of which each begins the next': { enum: many(128, (i) => 'a'.repeat(i)) },
  'numbers of which each begins the next': { enum: many(15, (i) => Number('1'.repeat(i + 1))) },
  'values that are objects with keys in another order': {
    enum: [
      { a: 1, b: 2 },
      { b: 2, a: 1 },
    ],
  },
  'one long value': { const: 'é'.repeat(30_000) },
  'deep values': { enum: many(9, (i) => nested(100, (inner) => [inner], i)) },
  'five hundred optional keys': object(Object.fromEntries(many(500, (i) => [`p${i}`, text])), []),
  'five hundred keys': object(Object.fromEntries(many(500, (i) => [`p${i}`, { type: 'integer' }]))),
  'lists of long lists of long texts': nested(9, (items) => ({ type: 'array', items, maxItems: 256 }), {
    type: 'string',
    minLength: 256,
    maxLength: 256,
  }),
  'short lists of nothing': { type: 'array', items: text, maxItems: 0 },
  'an empty text': { type: 'string', maxLength: 0 },
  'texts of many lengths': { anyOf: many(8, (i) => ({ type: 'string', minLength: 20 * i, maxLength: 20 * i + 9 })) },
  'odd names': named(object({ '"': ref('a"b'), '\\': ref('__proto__'), '\u0000': ref('constructor'), é: ref(' ') }), {
    'a"b': text,
    ['__proto__']: { type: 'null' },
    constructor: { type: 'boolean' },
    ' ': { type: 'array', items: ref(' ') },
  }),
  'a ring of lists': named(
    ref('a0'),
    Object.fromEntries(many(10, (i) => [`a${i}`, { type: 'array', items: ref(`a${(i + 1) % 10}`) }])),
  ),
  'any list': { type: 'array' },
  'any object beside one of its own': { anyOf: [object({ a: { $ref: '#' } }, []), { type: 'object' }] },
  'whatever, among others': { anyOf: [true, text, { type: 'array', items: { $ref: '#' } }] },
  'a tree by its kinds': named(ref('node'), {
    node: { anyOf: [ref('leaf'), ref('branch')] },
    leaf: object({ kind: kind('leaf'), value: { type: 'number' } }),
    branch: object({ kind: kind('node'), children: { type: 'array', items: ref('node') } }),
  }),
  'a tree by kinds that come last': named(ref('node'), {
    node: { anyOf: [ref('leaf'), ref('branch'), ref('pair')] },
    leaf: object({ value: { anyOf: [ref('node'), { type: 'null' }] }, kind: kind('leaf') }),
    branch: object({ value: { type: 'array', items: ref('node') }, kind: kind('list') }),
    pair: object({ value: ref('node'), other: ref('node'), kind: kind('pair') }),
  }),
  'files and folders': named(ref('entry'), {
    entry: { anyOf: [ref('file'), ref('folder')] },
    file: object({ name: text, size: { type: 'integer' } }),
    folder: object({ name: text, entries: { type: 'array', items: ref('entry') } }),
  }),
  'a list that leads back to itself': { type: 'array', items: { $ref: '#' } },
};

const written = (schemas: Record<string, unknown>, verdict: HostileSchema['verdict']) =>
  Object.entries(schemas).map(([name, schema]) => ({ name, schema: JSON.stringify(schema), verdict }));

export const HOSTILE_SCHEMAS: readonly HostileSchema[] = [
  ...written(REFUSED, 'refused'),
  // It is written out, as JSON.stringify would itself go too deep, or would not write it at all.
  { name: 'nested as deep as there is room', schema: '{"items":'.repeat(3_000), verdict: 'refused' },
  { name: 'brackets and nothing else', schema: '['.repeat(32_768), verdict: 'refused' },
  { name: 'a value nested as deep as there is room', schema: `{"const":${'['.repeat(9_000)}`, verdict: 'refused' },
  { name: 'too long', schema: `{"title":"${'a'.repeat(65_536)}"}`, verdict: 'refused' },
  { name: 'cut short', schema: '{"type":"string"', verdict: 'refused' },
  { name: 'nothing', schema: '', verdict: 'refused' },
  { name: 'a key twice', schema: '{"type":"string","minLength":1,"minLength":2,"maxLength":1}', verdict: 'refused' },
  { name: 'a bound too large for a number', schema: '{"type":"string","maxLength":1e999}', verdict: 'refused' },
  ...written(ACCEPTED, 'accepted'),
];
