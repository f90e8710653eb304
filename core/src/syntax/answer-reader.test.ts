import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AnswerReader } from './answer-reader.ts';
import { DIALECTS, THOUGHTS } from './dialects.ts';
import { HARMONY_MARKS } from './harmony-reader.ts';
import { syntaxName, syntaxOf, PLAIN, type Syntax } from './syntaxes.ts';
import type { Tool } from './tools.ts';

const tools: Tool[] = [
  {
    name: 'get_weather',
    parameters: {
      type: 'object',
      properties: {
        city: { type: 'string' },
        days: { type: 'integer' },
        code: { anyOf: [{ type: 'string' }, { type: 'null' }] },
      },
    },
  },
  { name: 'now' },
];

interface Whole {
  thought: string;
  said: string;
  calls: [name: string, json: string][];
}

/** Reads the text cut at these places. */
function read(name: string | undefined, text: string, cuts: readonly number[] = []): Whole {
  const syntax = syntaxOf(name);
  if (syntax === null) throw new Error(`There is no syntax called ${name}.`);
  const reader = new AnswerReader(syntax, tools);
  const places = [0, ...cuts.map((cut) => cut % (text.length + 1)).toSorted((a, b) => a - b), text.length];
  const pieces = places.slice(1).map((end, i) => text.slice(places[i], end));
  const whole: Whole = { thought: '', said: '', calls: [] };
  for (const part of [...pieces.flatMap((piece) => reader.push(piece)), ...reader.end()]) {
    if (part.type === 'thought') whole.thought += part.text;
    else if (part.type === 'said') whole.said += part.text;
    else if (part.type === 'call') whole.calls.push([part.name, '']);
    else whole.calls[part.index]![1] += part.text;
  }
  return whole;
}

const oslo: [string, string] = ['get_weather', '{"city": "Oslo", "days": 3}'];
const tight: [string, string] = ['get_weather', '{"city":"Oslo","days":3}'];
const json = '{"name": "get_weather", "arguments": {"city": "Oslo", "days": 3}}';

/** As models of each family write. */
const SAMPLES: readonly [syntax: string | undefined, text: string, is: Partial<Whole>][] = [
  [undefined, 'Hi <think>there</think>.', { said: 'Hi <think>there</think>.' }],
  ['none-think', '<think>\nHm.\n</think>\n\nHello.', { thought: 'Hm.', said: 'Hello.' }],
  ['none-think', '<think>\n\n</think>\n\nHello.', { said: 'Hello.' }],
  ['none-think', 'The mark <think> opens.', { said: 'The mark <think> opens.' }],
  ['none-think-begun', 'Hm.\n</think>\n\nHello </think>.', { thought: 'Hm.', said: 'Hello </think>.' }],
  ['none-think-begun', 'Hm, and on', { thought: 'Hm, and on' }],
  ['none-brackets', '[THINK]Hm [x][/THINK]Hello.', { thought: 'Hm [x]', said: 'Hello.' }],
  ['hermes', `<tool_call>\n${json}\n</tool_call>`, { calls: [oslo] }],
  [
    'hermes-think',
    `<think>\nRain?\n</think>\n\nI look.\n\n<tool_call>\n${json}\n</tool_call>\n<tool_call>\n{"name": "now"}\n</tool_call>`,
    { thought: 'Rain?', said: 'I look.', calls: [oslo, ['now', '{}']] },
  ],
  ['hermes', `<tool_call>${json}`, { calls: [oslo] }],
  [
    'hermes',
    '<tool_call>{"name": "rm", "arguments": {}}</tool_call>',
    { said: '<tool_call>{"name": "rm", "arguments": {}}</tool_call>' },
  ],
  ['hermes', 'a < b, <tool', { said: 'a < b, <tool' }],
  ['hermes', '<tool_call>{"name": "now", "arguments": "{\\"a\\": 1}"}</tool_call>', { calls: [['now', '{"a": 1}']] }],
  [
    'xml',
    'Yes.\n<tool_call>\n<function=get_weather>\n<parameter=city>\n12\n</parameter>\n<parameter=days>\n3\n</parameter>\n</function>\n</tool_call>',
    { said: 'Yes.', calls: [['get_weather', '{"city":"12","days":3}']] },
  ],
  [
    'glm',
    '<tool_call>get_weather\n<arg_key>city</arg_key>\n<arg_value>Oslo</arg_value>\n<arg_key>days</arg_key>\n<arg_value>3</arg_value>\n</tool_call>',
    { calls: [tight] },
  ],
  ['llama', json.replace('arguments', 'parameters'), { calls: [oslo] }],
  [
    'llama',
    `{"type": "function", ${json.slice(1)}; {"name": "now", "parameters": {}}`,
    { calls: [oslo, ['now', '{}']] },
  ],
  ['llama', `<|python_tag|>${json}`, { calls: [oslo] }],
  ['llama', '{"name": "Ada", "age": 36}', { said: '{"name": "Ada", "age": 36}' }],
  ['llama', '{"a": 1}', { said: '{"a": 1}' }],
  ['mistral', `[TOOL_CALLS] [${json}, {"name": "now", "arguments": {}}]`, { calls: [oslo, ['now', '{}']] }],
  [
    'tekken-brackets',
    `[THINK]Hm.[/THINK][TOOL_CALLS]get_weather[ARGS]${oslo[1]}[TOOL_CALLS]now[CALL_ID]a1b2c3d4e[ARGS]{}`,
    { thought: 'Hm.', calls: [oslo, ['now', '{}']] },
  ],
  [
    'deepseek-think-begun',
    `Hm.</think>Yes.<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>get_weather\n\`\`\`json\n${oslo[1]}\n\`\`\`<｜tool▁call▁end｜>\n<｜tool▁call▁begin｜>now<｜tool▁sep｜>{}<｜tool▁call▁end｜><｜tool▁calls▁end｜>`,
    { thought: 'Hm.', said: 'Yes.', calls: [oslo, ['now', '{}']] },
  ],
  [
    'kimi',
    `<|tool_calls_section_begin|><|tool_call_begin|>functions.get_weather:0<|tool_call_argument_begin|>${oslo[1]}<|tool_call_end|><|tool_calls_section_end|>`,
    { calls: [oslo] },
  ],
  [
    'minimax',
    '<minimax:tool_call>\n<invoke name="get_weather">\n<parameter name="city">Oslo</parameter>\n<parameter name="days">3</parameter>\n</invoke>\n</minimax:tool_call>',
    { calls: [tight] },
  ],
  [
    'dsml',
    '<｜DSML｜function_calls>\n<｜DSML｜invoke name="get_weather">\n<｜DSML｜parameter name="city" string="true">7</｜DSML｜parameter>\n<｜DSML｜parameter name="days" string="false">3</｜DSML｜parameter>\n</｜DSML｜invoke>\n</｜DSML｜function_calls>',
    { calls: [['get_weather', '{"city":"7","days":3}']] },
  ],
  [
    'gemma-channel',
    '<|channel>thought\nHm.<channel|><|tool_call>call:get_weather{city:<|"|>Oslo, "N"<|"|>,days:3}<tool_call|>',
    { thought: 'Hm.', calls: [['get_weather', '{"city":"Oslo, \\"N\\"","days":3}']] },
  ],
  [
    'funcgemma',
    '<start_function_call>call:get_weather{city:<escape>Oslo<escape>}<end_function_call>',
    { calls: [['get_weather', '{"city":"Oslo"}']] },
  ],
  [
    'cohere-cohere',
    '<|START_THINKING|>Hm.<|END_THINKING|><|START_ACTION|>[{"tool_call_id": "0", "tool_name": "get_weather", "parameters": {"city": "Oslo", "days": 3}}]<|END_ACTION|>',
    { thought: 'Hm.', calls: [oslo] },
  ],
  ['granite', `<|tool_call|>[${json}]`, { calls: [oslo] }],
  ['nemotron-think', `<think></think><TOOLCALL>[${json}]</TOOLCALL>`, { calls: [oslo] }],
  [
    'harmony',
    '<|channel|>analysis<|message|>Hm.<|end|><|start|>assistant<|channel|>commentary<|message|>I look.<|end|><|start|>assistant<|channel|>commentary to=functions.get_weather <|constrain|>json<|message|>{"city": "Oslo", "days": 3}<|call|>',
    { thought: 'Hm.', said: 'I look.', calls: [oslo] },
  ],
  [
    'harmony',
    ' to=functions.get_weather<|channel|>commentary json<|message|>{"city": "Oslo", "days": 3}',
    { calls: [oslo] },
  ],
  ['harmony', '<|channel|>final<|message|>Hello.<|return|>', { said: 'Hello.' }],
  ['harmony', 'Just words.', { said: 'Just words.' }],
  ['generic', '{"content":"Say: \\"no\\" \\ud83d\\ude00\\n"}', { said: 'Say: "no" 😀\n' }],
  [
    'generic',
    '{"tool_calls":[{"name":"get_weather","arguments":{"city":"Oslo","days":3}},{"name":"now","arguments":{}}]}',
    { calls: [tight, ['now', '{}']] },
  ],
  ['generic', '{"value":{"a":[1,"}"]}}', { said: '{"a":[1,"}"]}' }],
  ['generic', '{"value":12}', { said: '12' }],
  ['generic-think', '<think>Hm.</think>\n{"content":""}', { thought: 'Hm.' }],
  ['generic', 'What form?', { said: 'What form?' }],
];

const whole = (is: Partial<Whole>): Whole => ({ thought: '', said: '', calls: [], ...is });

describe('an answer', () => {
  it.each(SAMPLES)('in the syntax %s is read: %s', (name, text, is) => {
    expect(read(name, text)).toEqual(whole(is));
    expect(
      read(
        name,
        text,
        Array.from(text, (_, i) => i),
      ),
    ).toEqual(whole(is));
  });

  const syntaxes: Syntax[] = [...Object.keys(DIALECTS), 'none', 'generic', 'harmony'].flatMap((calls) =>
    [null, 'think', 'cohere'].flatMap((thoughts) =>
      [false, true].map((begun) => ({ calls, thoughts, begun: begun && thoughts !== null }) as Syntax),
    ),
  );
  const marks = [
    ...Object.values(DIALECTS).flatMap(({ opens, closes, ignores }) => [...opens, ...closes, ...ignores]),
    ...Object.values(THOUGHTS).flatMap(({ open, close }) => [open, close]),
    ...HARMONY_MARKS,
    ...[
      '{"name"',
      ': "now"',
      ', "arguments": {}}',
      '[',
      ']',
      '{',
      '}',
      '"',
      '\\',
      '{"content":"',
      '{"tool_calls":[',
      '{"value":',
    ],
    ...[
      'now',
      'now>',
      '[ARGS]',
      ' to=functions.now',
      'analysis',
      'name="now">',
      'call:now{',
      '<arg_key>',
      ' ',
      '\n\n',
      'é😀',
    ],
  ];
  const written = fc.array(fc.oneof(fc.constantFrom(...marks), fc.string({ maxLength: 8 })), { maxLength: 24 });

  it('of any text is the same however it is cut, and is never refused', () => {
    const any = fc.tuple(fc.constantFrom(...syntaxes), written, fc.array(fc.nat(), { maxLength: 8 }));
    const samples = fc.constantFrom(...SAMPLES).map(([, text]) => [text]);
    fc.assert(
      fc.property(any, fc.option(samples, { nil: null }), ([syntax, words, cuts], sample) => {
        const text = [...(sample ?? []), ...words].join('');
        const name = syntaxName(syntax);
        expect(read(name, text, cuts)).toEqual(read(name, text));
      }),
      { numRuns: 500 },
    );
  });

  it('of marks without an end takes neither long nor much memory', () => {
    for (const syntax of syntaxes) {
      const reader = new AnswerReader(syntax, tools);
      const began = performance.now();
      for (const mark of marks) for (let i = 0; i < 8; i += 1) reader.push(mark.repeat(64));
      reader.end();
      expect(performance.now() - began).toBeLessThan(2_000);
    }
  });
});

describe('the name of a syntax', () => {
  it('says all that its reader has to know', () => {
    for (const syntax of [PLAIN, { calls: 'hermes', thoughts: 'think', begun: true }] as Syntax[]) {
      expect(syntaxOf(syntaxName(syntax))).toEqual(syntax);
    }
    for (const [name] of SAMPLES) expect(name ?? 'none').toMatch(/^[a-z0-9-]{1,24}$/);
  });

  it.each([
    '',
    'klingon',
    'hermes-aloud',
    'hermes-think-begun-more',
    'hermes-think-ended',
    'toString',
    'none-constructor',
  ])('that nobody here knows is null: %s', (name) => expect(syntaxOf(name)).toBeNull());
});
