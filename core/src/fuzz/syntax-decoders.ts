/** For the fuzzer: lists of functions from requesters, schemas of any kind from clients, and answers in the syntaxes of models. */
import { grammarText } from '../form/grammar.ts';
import { jsonGrammar } from '../form/json-grammar.ts';
import { readJsonSchema } from '../form/json-schema.ts';
import { loweredSchema } from '../form/lower/lowered-schema.ts';
import { AnswerReader } from '../syntax/answer-reader.ts';
import { DIALECTS, THOUGHTS } from '../syntax/dialects.ts';
import { genericForm } from '../syntax/generic-form.ts';
import { syntaxOf } from '../syntax/syntaxes.ts';
import type { FuzzTarget } from './fuzz.ts';
import { HOSTILE_SCHEMAS } from './hostile-schemas.ts';
import { refusable } from './refusal.ts';
import { joined, separate } from './separate.ts';
import { bytesOf, textOf } from './utf8.ts';

const LAMP = { name: 'lamp', description: 'Turns it on.', parameters: { type: 'object', properties: { on: {} } } };
const lists = [
  [LAMP],
  [LAMP, { name: 'none' }],
  [{ name: 'find', parameters: { type: 'object', properties: { q: { type: 'string', pattern: '^a+$' } } } }],
];
const loose = [
  { type: 'string', format: 'email', pattern: '^(?=a)[a-z]{2,9}$' },
  { allOf: [{ type: 'object', properties: { a: { type: 'integer', minimum: 1 } } }, { required: ['a'] }], not: {} },
  { type: ['object', 'null'], patternProperties: { x: true }, properties: { b: { $ref: '#/properties/b' } } },
];
/** Patterns that a careless reader follows in exponentially many ways. */
const nastyPatterns = [
  '^(a+)+$',
  '(a|a)*b',
  '^(?:a{1,99}){1,99}$',
  `^${'(a?'.repeat(40)}${')'.repeat(40)}$`,
  '[^]*'.repeat(30),
];
const nastyLoose = [
  ...HOSTILE_SCHEMAS.map(({ schema }) => schema),
  ...nastyPatterns.map((pattern) => JSON.stringify({ type: 'string', pattern })),
];

const names = ['none-think-begun', 'generic', 'harmony', ...Object.keys(DIALECTS).map((name) => `${name}-think`)];
const marks = [...Object.values(DIALECTS), ...Object.values(THOUGHTS)].flatMap((one) =>
  'opens' in one ? [...one.opens, ...one.closes] : [one.open, one.close],
);
const answers = [
  'Hm.</think>\n\nSo.',
  '{"tool_calls":[{"name":"lamp","arguments":{"on":true}}]}',
  '<tool_call>\n{"name": "lamp", "arguments": {"on": true}}\n</tool_call>',
  '<|channel|>analysis<|message|>Hm.<|end|><|start|>assistant<|channel|>final<|message|>So.',
  ...marks.map((mark) => `${mark}lamp {"name":"lamp","arguments":{}}`),
];
/** Text that a reader has to hold back, or may look at again with each piece. */
const nastyAnswers = [...new Set(marks)].flatMap((mark) => [mark.repeat(2_000), `${mark}${'{"a":'.repeat(5_000)}`]);

export function syntaxDecoders(): FuzzTarget[] {
  return [
    {
      name: 'lists of functions',
      weight: 2,
      values: lists,
      write: (value) => bytesOf(JSON.stringify(value) ?? ''),
      seeds: lists.map((list) => bytesOf(JSON.stringify(list))),
      nasty: nastyLoose.map((schema) => bytesOf(`[{"name":"lamp","parameters":${schema}}]`)),
      run: (input) =>
        refusable(() => genericForm({ list: textOf(input), choice: 'auto', parallel: true }).schema.length > 0),
      slowMs: 200,
    },
    {
      name: 'schemas of any kind',
      weight: 4,
      values: loose,
      write: (value) => bytesOf(JSON.stringify(value) ?? ''),
      seeds: loose.map((schema) => bytesOf(JSON.stringify(schema))),
      nasty: nastyLoose.map(bytesOf),
      run: (input) => refusable(() => lowers(textOf(input))),
      slowMs: 200,
    },
    {
      name: 'answers in a syntax',
      weight: 8,
      seeds: names.flatMap((name) => answers.map((answer) => joined([bytesOf(name), bytesOf(answer)]))),
      nasty: names.flatMap((name) => nastyAnswers.map((answer) => joined([bytesOf(name), bytesOf(answer)]))),
      run: reads,
      slowMs: 200,
    },
  ];
}

/** What is lowered can be enforced. */
function lowers(text: string): boolean {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return false;
  }
  const { schema } = loweredSchema(value);
  return grammarText(jsonGrammar(readJsonSchema(JSON.stringify(schema)))).startsWith('root ');
}

/** However an answer is cut, its parts are the same, and hold no more than the answer has. */
function reads(input: Uint8Array): boolean {
  const [name, answer] = separate(input);
  const syntax = syntaxOf(textOf(name ?? new Uint8Array()));
  if (syntax === null) return false;
  const text = textOf(answer ?? new Uint8Array());
  const [whole, cut] = [new AnswerReader(syntax, [LAMP]), new AnswerReader(syntax, [LAMP])];
  const at = text.length >> 1;
  const once = told([...whole.push(text), ...whole.end()]);
  const twice = told([...cut.push(text.slice(0, at)), ...cut.push(text.slice(at)), ...cut.end()]);
  if (once !== twice) throw new Error('an answer reads otherwise when it is cut');
  return once !== '';
}

function told(parts: readonly { type: string; text?: string; name?: string }[]): string {
  let last = '';
  return parts
    .map(({ type, text = '', name = '' }) => {
      const begin = type === last && type !== 'call' ? '' : `\n${type} `;
      last = type;
      return `${begin}${name}${text}`;
    })
    .join('');
}
