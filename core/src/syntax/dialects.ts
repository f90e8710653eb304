/** The ways in which families of models write thoughts and calls. What is here was read off their templates and answers. */

/** How the name and the arguments stand in a call. */
export type Body =
  /** `{"name":…,"arguments":{…}}`, or a list of those. */
  | 'json'
  /** A name, a mark, and the arguments as JSON. */
  | 'named-json'
  /** `<function=name><parameter=key>value</parameter></function>`. */
  | 'function-tags'
  /** `<invoke name="name"><parameter name="key">value</parameter></invoke>`. */
  | 'invoke-tags'
  /** `name<arg_key>key</arg_key><arg_value>value</arg_value>`. */
  | 'argument-tags'
  /** `call:name{key:value}`, with quotes of their own around texts. */
  | 'bare-keys';

export interface Dialect {
  /** Each of these begins a call. */
  opens: readonly string[];
  /** These end it; none: it ends with its JSON. */
  closes: readonly string[];
  body: Body;
  /** Marks around and between calls. They mean nothing by themselves. */
  ignores: readonly string[];
  /** Marks within a call. */
  inner?: readonly string[];
  /** An answer that is nothing but a call has no mark. */
  bare?: boolean;
}

const json = (open: string, ...ignores: string[]): Dialect => ({ opens: [open], closes: [], body: 'json', ignores });
const tagged = (body: Body, tag: string, ...ignores: string[]): Dialect => ({
  opens: [`<${tag}>`],
  closes: [`</${tag}>`],
  body,
  ignores,
});

/** By their names on the wire. The first that reads what a template writes is that template's, so the strictest come first. */
export const DIALECTS = {
  xml: {
    opens: ['<function='],
    closes: ['</function>'],
    body: 'function-tags',
    ignores: ['<tool_call>', '</tool_call>', '<seed:tool_call>', '</seed:tool_call>'],
  },
  hermes: tagged('json', 'tool_call'),
  glm: tagged('argument-tags', 'tool_call'),
  mistral: { opens: ['[TOOL_CALLS]'], closes: [], body: 'json', ignores: [] },
  tekken: { opens: ['[TOOL_CALLS]'], closes: [], body: 'named-json', ignores: [], inner: ['[ARGS]', '[CALL_ID]'] },
  deepseek: {
    opens: ['<｜tool▁call▁begin｜>'],
    closes: ['<｜tool▁call▁end｜>'],
    body: 'named-json',
    ignores: ['<｜tool▁calls▁begin｜>', '<｜tool▁calls▁end｜>'],
    inner: ['<｜tool▁sep｜>'],
  },
  kimi: {
    opens: ['<|tool_call_begin|>'],
    closes: ['<|tool_call_end|>'],
    body: 'named-json',
    ignores: ['<|tool_calls_section_begin|>', '<|tool_calls_section_end|>'],
    inner: ['<|tool_call_argument_begin|>'],
  },
  minimax: {
    opens: ['<invoke '],
    closes: ['</invoke>'],
    body: 'invoke-tags',
    ignores: ['<minimax:tool_call>', '</minimax:tool_call>', '<function_calls>', '</function_calls>'],
  },
  dsml: {
    opens: ['<｜DSML｜invoke '],
    closes: ['</｜DSML｜invoke>'],
    body: 'invoke-tags',
    ignores: ['<｜DSML｜function_calls>', '</｜DSML｜function_calls>', '<｜DSML｜tool_calls>', '</｜DSML｜tool_calls>'],
  },
  gemma: { opens: ['<|tool_call>'], closes: ['<tool_call|>'], body: 'bare-keys', ignores: [], inner: ['<|"|>'] },
  funcgemma: {
    opens: ['<start_function_call>'],
    closes: ['<end_function_call>'],
    body: 'bare-keys',
    ignores: [],
    inner: ['<escape>'],
  },
  cohere: json('<|START_ACTION|>', '<|END_ACTION|>', '<|START_RESPONSE|>', '<|END_RESPONSE|>'),
  granite: json('<|tool_call|>', '<|/tool_call|>'),
  nemotron: json('<TOOLCALL>', '</TOOLCALL>'),
  toolcalls: json('<tool_calls>', '</tool_calls>'),
  functools: json('functools'),
  llama: { opens: ['<|python_tag|>'], closes: [], body: 'json', ignores: [], bare: true },
} as const satisfies Record<string, Dialect>;
export type DialectName = keyof typeof DIALECTS;

export interface ThoughtMarks {
  open: string;
  close: string;
}

/** By their names on the wire. */
export const THOUGHTS = {
  think: { open: '<think>', close: '</think>' },
  brackets: { open: '[THINK]', close: '[/THINK]' },
  seed: { open: '<seed:think>', close: '</seed:think>' },
  cohere: { open: '<|START_THINKING|>', close: '<|END_THINKING|>' },
  channel: { open: '<|channel>thought', close: '<channel|>' },
  thinking: { open: '<thinking>', close: '</thinking>' },
  thought: { open: '<thought>', close: '</thought>' },
  reasoning: { open: '<reasoning>', close: '</reasoning>' },
} as const satisfies Record<string, ThoughtMarks>;
export type ThoughtsName = keyof typeof THOUGHTS;
