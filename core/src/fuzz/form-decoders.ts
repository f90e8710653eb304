/**
 * For the fuzzer: a stranger's schemas for the form of an answer, and templates for how a conversation is written down. Nasty
 * inputs may be refused or read, but must not take long or much.
 */
import { MeshError } from '../base/errors.ts';
import { grammarText } from '../form/grammar.ts';
import { GrammarReader } from '../form/grammar-reader.ts';
import { jsonGrammar } from '../form/json-grammar.ts';
import { readJsonSchema } from '../form/json-schema.ts';
import type { FuzzTarget } from './fuzz.ts';
import { HOSTILE_SCHEMAS } from './hostile-schemas.ts';
import { refusable } from './refusal.ts';
import { joined, separate } from './separate.ts';
import { renderChat } from '../engine/chat-prompt.ts';
import { bytesOf, textOf } from './utf8.ts';

const schemas: unknown[] = [
  { type: 'object', properties: { ok: { type: 'boolean' }, n: { type: 'integer' } }, required: ['ok'] },
  { type: 'array', items: { type: 'string', minLength: 1, maxLength: 8 }, minItems: 1, maxItems: 4 },
  { anyOf: [{ const: 1 }, { enum: ['a', null] }, { $ref: '#/$defs/x' }], $defs: { x: { type: 'number' } } },
  { type: 'object', properties: { left: { $ref: '#' }, right: { $ref: '#' } } },
];
const answers = ['{"ok":true}', '["a","b"]', '"a"', '{"left":{"right":{}}}'];

const nastySchemas = HOSTILE_SCHEMAS.map(({ schema }) => schema);
/** The rest of a form is read again when it is no longer than this: it is a form like any other. */
const MAX_REST_CHARS = 4_096;
/** Answers that are read as far as the form allows. */
const nastyAnswers = ['['.repeat(64), `"${'a'.repeat(4_000)}`, '{"a":'.repeat(30)];

const templates = [
  "{% for message in messages %}{{ '<|' + message.role + '|>' + message.content }}{% endfor %}",
  "{% if messages[0].role == 'system' %}{% set first = messages[0].content | trim %}{% endif %}{{ bos_token }}{{ first }}",
  '{% macro say(one) %}{{ one.content }}{% endmacro %}{% for i in range(3) %}{{ say(messages[0]) }}{% endfor %}',
];
const nastyTemplates = [
  '{% for i in range(1000000000) %}x{% endfor %}',
  '{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}',
  "{% set ns = namespace(x='ab') %}{% for i in range(64) %}{% set ns.x = ns.x + ns.x %}{% endfor %}{{ ns.x }}",
  '{% macro again() %}{{ again() }}{% endmacro %}{{ again() }}',
  `{{ ${'('.repeat(20_000)} }}`,
];
const turns = [
  { role: 'system' as const, content: 'Answer briefly.' },
  { role: 'user' as const, content: 'Why?' },
];

export function formDecoders(): FuzzTarget[] {
  return [
    {
      name: 'JSON schemas',
      weight: 10,
      values: schemas,
      write: (value) => bytesOf(JSON.stringify(value) ?? ''),
      seeds: schemas.map(written),
      nasty: nastySchemas.map(bytesOf),
      run: (input) => refusable(() => grammarText(jsonGrammar(readJsonSchema(textOf(input)))).startsWith('root ')),
    },
    {
      name: 'answers of a form',
      weight: 4,
      run: follow,
      slowMs: 200,
      seeds: schemas.map((schema, i) => joined([written(schema), bytesOf(answers[i] ?? '')])),
      nasty: nastySchemas.flatMap((schema) => nastyAnswers.map((answer) => joined([bytesOf(schema), bytesOf(answer)]))),
    },
    {
      name: 'chat templates',
      weight: 3,
      seeds: templates.map(bytesOf),
      nasty: nastyTemplates.map(bytesOf),
      // It runs on a file that its provider chose, once for each question.
      run: rendered,
      slowMs: 500,
    },
  ];
}

/** The errors of templates come in Jinja's words, some of which look like a mistake in the program. */
function rendered(template: Uint8Array): boolean {
  try {
    renderChat(textOf(template), turns, { bos: '<s>', eos: '</s>' });
    return true;
  } catch (thrown) {
    if (thrown instanceof MeshError) return false;
    throw thrown;
  }
}

/** Follows an answer as its requester does, and as the engine does that has to begin in the middle of it. */
function follow(input: Uint8Array): boolean {
  const [schema, answer] = separate(input);
  return refusable(() => {
    const reader = new GrammarReader(jsonGrammar(readJsonSchema(textOf(schema ?? new Uint8Array()))));
    reader.read(textOf(answer ?? new Uint8Array()));
    const { rest } = reader;
    if (grammarText(rest).length <= MAX_REST_CHARS && new GrammarReader(rest).mayEnd !== reader.mayEnd)
      throw new Error('the rest of a form ends elsewhere than the form');
    return reader.mayEnd;
  });
}

function written(value: unknown): Uint8Array {
  return bytesOf(JSON.stringify(value));
}
