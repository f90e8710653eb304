/** The form that an answer must have: `tools`, `tool_choice` and `response_format` of a request. */
import * as v from 'valibot';
import { asMeshError } from '@llmesh/core/base/errors';
import { readJsonSchema } from '@llmesh/core/form/json-schema';
import { badRequest } from './api-error.ts';
import { planTools, type Tool, type ToolChoice } from './tools.ts';

const MAX_TOOLS = 64;
const name = v.pipe(v.string(), v.regex(/^[\w-]{1,64}$/, 'A name has up to 64 letters, digits, "_" and "-".'));
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
    // Arguments are always held to their schema.
    strict: v.optional(v.nullable(v.boolean())),
  }),
});

/** The parameters of a request that are about the form. */
export const FORM_PARAMETERS = {
  tools: v.optional(v.pipe(v.array(ToolSchema), v.maxLength(MAX_TOOLS)), []),
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
        v.strictObject({ type: v.literal('json_object') }),
        v.strictObject({
          type: v.literal('json_schema'),
          json_schema: v.strictObject({
            name,
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
  /** A JSON schema of the whole answer, as text; null: the answer is free. */
  schema: string | null;
  /** Functions may be called: the answer is what `tool-reader.ts` reads. */
  tools: boolean;
  /** What the model is told beside the words of its user; null: nothing. */
  system: string | null;
}

const FREE: AnswerForm = { schema: null, tools: false, system: null };
const ANY_OBJECT = '{"type":"object"}';

/** Throws an `ApiError` for a form that cannot be enforced here. */
export function formOf({ tools, tool_choice, parallel_tool_calls, response_format }: FormRequest): AnswerForm {
  const choice = tool_choice ?? 'auto';
  if (tools.length > 0 && choice !== 'none') {
    if (response_format.type !== 'text') {
      throw badRequest(
        'response_format',
        'An answer that may call functions has a form already. Leave one of them out.',
      );
    }
    const named: ToolChoice = typeof choice === 'string' ? choice : { name: choice.function.name };
    const plan = held('tools', () => planTools(tools.map(toolOf), named, parallel_tool_calls));
    return { ...plan, tools: true };
  }
  if (tools.length === 0 && tool_choice !== undefined && choice !== 'none' && choice !== 'auto') {
    throw badRequest('tool_choice', 'There are no tools to choose.');
  }
  switch (response_format.type) {
    case 'text':
      return FREE;
    case 'json_object':
      return { ...FREE, schema: ANY_OBJECT };
    case 'json_schema': {
      const { schema } = response_format.json_schema;
      if (schema === undefined) throw badRequest('response_format.json_schema.schema', 'The schema is missing.');
      const text = JSON.stringify(schema);
      held('response_format', () => readJsonSchema(text));
      return { ...FREE, schema: text };
    }
    default:
      return response_format satisfies never;
  }
}

function toolOf({ function: { name: called, description, parameters } }: v.InferOutput<typeof ToolSchema>): Tool {
  return { name: called, description: description ?? null, parameters: parameters ?? null };
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
