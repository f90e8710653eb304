/** The form that an answer must have: `tools`, `tool_choice` and `response_format` of a request. */
import * as v from 'valibot';
import { asMeshError } from '@llmesh/core/base/errors';
import { loweredArguments } from '@llmesh/core/form/lower/lowered-arguments';
import { loweredSchema, type LoweredSchema } from '@llmesh/core/form/lower/lowered-schema';
import { MAX_TOOLS, MAX_TOOLS_CHARS, FUNCTION_NAME, type Tools } from '@llmesh/core/protocol';
import type { Tool } from '@llmesh/core/syntax/tools';
import { badRequest } from './api-error.ts';

/** The longest schema that the model is told, in characters: a small context has room for little more. */
const MAX_TOLD_CHARS = 8_192;
const name = v.pipe(
  v.string(),
  v.regex(FUNCTION_NAME, 'A name has up to 128 letters, digits, "_", "-", ".", ":" and "/".'),
);
const anObject = v.custom<object>(
  (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
  'It is a JSON schema, an object.',
);

const ToolSchema = v.strictObject({
  type: v.literal('function', 'Only functions can be called.'),
  function: v.strictObject({
    name,
    description: v.optional(v.nullable(v.string())),
    parameters: v.optional(v.nullable(anObject)),
    // Whether a schema that cannot be enforced is refused; otherwise arguments are looked at once they are whole.
    strict: v.optional(v.nullable(v.boolean())),
  }),
});

/** The parameters of a request that are about the form. */
export const FORM_PARAMETERS = {
  tools: v.optional(
    v.pipe(v.array(ToolSchema), v.maxLength(MAX_TOOLS, `Up to ${MAX_TOOLS} functions can be offered.`)),
    [],
  ),
  tool_choice: v.optional(
    v.union(
      [
        v.picklist(['none', 'auto', 'required']),
        v.strictObject({ type: v.literal('function'), function: v.strictObject({ name }) }),
      ],
      'It is "none", "auto", "required", or {"type":"function","function":{"name":…}}.',
    ),
  ),
  parallel_tool_calls: v.optional(v.boolean(), true),
  response_format: v.optional(
    v.variant(
      'type',
      [
        v.strictObject({ type: v.literal('text') }),
        v.strictObject({ type: v.literal('json_object'), schema: v.optional(v.nullable(anObject)) }),
        v.strictObject({
          type: v.literal('json_schema'),
          json_schema: v.strictObject({
            name: v.optional(v.nullable(v.string())),
            description: v.optional(v.nullable(v.string())),
            schema: v.optional(anObject),
            strict: v.optional(v.nullable(v.boolean())),
          }),
        }),
      ],
      'Its type is "text", "json_object" or "json_schema".',
    ),
    { type: 'text' },
  ),
};

type FormRequest = v.InferOutput<ReturnType<typeof v.object<typeof FORM_PARAMETERS, undefined>>>;

export interface AnswerForm {
  /** A JSON schema of what is said, as text; null: that is free. */
  schema: string | null;
  /** Functions that may be called; null: there are none. */
  tools: Tools | null;
  /** What the model is told beside the words of its user; null: nothing. */
  system: string | null;
  /** What is not held to while it is written, and looked at once it is whole. */
  wanted: Wanted;
}

/** JSON schemas as the client gave them, where they are not enforced as a whole. */
export interface Wanted {
  /** Of what is said; null: nothing is to be looked at. */
  said: object | null;
  /** Of the arguments, by the names of the functions. */
  calls: ReadonlyMap<string, object>;
}

/** What is said, by a `response_format`. */
interface SaidForm {
  name: string | null;
  description: string | null;
  schema: object;
  held: LoweredSchema;
}

export const NOTHING_WANTED: Wanted = { said: null, calls: new Map() };
const FREE: AnswerForm = { schema: null, tools: null, system: null, wanted: NOTHING_WANTED };

/** Throws an `ApiError` for what is no schema, and for one that is to be enforced and cannot be. */
export function formOf({ tools, tool_choice, parallel_tool_calls, response_format }: FormRequest): AnswerForm {
  const choice = tool_choice ?? 'auto';
  const said = saidForm(response_format);
  if (tools.length > 0 && choice !== 'none') {
    const offered = offeredTools(tools);
    const named = typeof choice === 'string' ? choice : { name: choice.function.name };
    if (typeof named !== 'string' && offered.every(({ name: one }) => one !== named.name)) {
      throw badRequest('tool_choice', 'The function to call is not among the tools.', 'invalid_schema');
    }
    const loose = offered.filter(({ held: { gaps } }) => gaps.length > 0);
    const calls = new Map(loose.map(({ name: called, parameters }) => [called, parameters ?? {}]));
    return {
      schema: said === null ? null : JSON.stringify(said.held.schema),
      tools: { list: JSON.stringify(offered.map(listed)), choice: named, parallel: parallel_tool_calls },
      system: said === null ? null : about(said),
      wanted: { said: wantedOf(said), calls },
    };
  }
  if (tools.length === 0 && tool_choice !== undefined && choice !== 'none' && choice !== 'auto') {
    throw badRequest('tool_choice', 'There are no tools to choose.');
  }
  if (said === null) return FREE;
  const { schema } = said.held;
  const wanted = { ...NOTHING_WANTED, said: wantedOf(said) };
  return { schema: JSON.stringify(schema), tools: null, system: told(said), wanted };
}

/** A function, and what its arguments can be held to. */
interface OfferedTool extends Tool {
  held: LoweredSchema;
}

/** As it travels: what is not there is left out. */
function listed({ name: called, description, parameters }: OfferedTool): Tool {
  return { name: called, ...(description != null && { description }), ...(parameters != null && { parameters }) };
}

function offeredTools(tools: FormRequest['tools']): OfferedTool[] {
  if (JSON.stringify(tools).length > MAX_TOOLS_CHARS) {
    throw badRequest(
      'tools',
      `All functions together are longer than ${MAX_TOOLS_CHARS} characters. Offer fewer.`,
      'invalid_schema',
    );
  }
  const place = (i: number) => `tools[${i}].function.parameters`;
  const refused = (i: number, message: string) =>
    badRequest(place(i), `${message} It is of the function ${tools[i]?.function.name}.`, 'invalid_schema');
  const lowered = loweredArguments(
    tools.map(({ function: { parameters } }) => parameters ?? null),
    refused,
  );
  return tools.map(({ function: { name: called, description, parameters, strict } }, i) => {
    const one = lowered[i]!;
    if (strict === true) checkStrict(one, place(i), ` of the function ${called}`);
    return { name: called, description, parameters, held: one };
  });
}

/** Null: what is said is free. */
function saidForm(format: FormRequest['response_format']): SaidForm | null {
  if (format.type === 'text') return null;
  if (format.type === 'json_object') {
    const schema = format.schema ?? { type: 'object' };
    return { name: null, description: null, schema, held: lowered(schema, 'response_format.schema') };
  }
  const { name: called, description, schema, strict } = format.json_schema;
  const at = 'response_format.json_schema.schema';
  if (schema === undefined) throw badRequest(at, 'The schema is missing.');
  const one = lowered(schema, at);
  if (strict === true) checkStrict(one, at, '');
  return { name: called ?? null, description: description ?? null, schema, held: one };
}

function lowered(schema: object, param: string): LoweredSchema {
  if (JSON.stringify(schema).length > MAX_TOOLS_CHARS) {
    throw badRequest(param, `The schema is longer than ${MAX_TOOLS_CHARS} characters.`, 'invalid_schema');
  }
  return held(param, () => loweredSchema(schema));
}

/** "strict" promises that every word is held to the schema. */
function checkStrict({ gaps: [gap] }: LoweredSchema, param: string, whose: string): void {
  if (gap === undefined) return;
  const message =
    `In the JSON schema${whose}, ${gap.at} uses "${gap.keyword}", which cannot be enforced here while the answer is written. ` +
    'Leave it out, or leave "strict" out: then the answer is looked at once it is whole.';
  throw badRequest(param, message, 'invalid_schema');
}

function wantedOf(said: SaidForm | null): object | null {
  return said === null || said.held.gaps.length === 0 ? null : said.schema;
}

/** Names and descriptions are half of what a schema says. */
function told(said: SaidForm): string {
  return `You answer with JSON alone.\n${about(said)}`.trim();
}

function about({ name: called, description, schema, held: { schema: plain } }: SaidForm): string {
  const text = [schema, plain].map((one) => JSON.stringify(one)).find(({ length }) => length <= MAX_TOLD_CHARS);
  const named = [called, description].filter((one) => one !== null && one !== '').join(': ');
  return [
    ...(named === '' ? [] : [`What you say is ${named.slice(0, MAX_TOLD_CHARS)}`]),
    ...(text === undefined ? [] : [`What you say follows this JSON schema: ${text}`]),
  ].join('\n');
}

function held<T>(param: string, read: () => T): T {
  try {
    return read();
  } catch (thrown) {
    throw badRequest(
      param,
      asMeshError(thrown, 'bad_schema', 'The JSON schema cannot be read.').message,
      'invalid_schema',
    );
  }
}
