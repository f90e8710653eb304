/** The functions and the form of a response, as a chat completion says them. */
import type { FunctionTool } from 'openai/resources/responses/responses';
import * as v from 'valibot';
import { badRequest, unsupported } from '../request/api-error.ts';
import { checked } from '../request/checked.ts';

const ToolSchema = v.looseObject({
  type: v.literal('function'),
  name: v.string(),
  description: v.optional(v.nullable(v.string())),
  parameters: v.optional(v.nullable(v.record(v.string(), v.unknown()))),
  strict: v.optional(v.nullable(v.boolean())),
});
const NamedSchema = v.looseObject({ type: v.literal('function'), name: v.string() });
/** Some clients say this as chats do. */
const AnyNamedSchema = v.union(
  [NamedSchema, v.looseObject({ type: v.literal('function'), function: v.looseObject({ name: v.string() }) })],
  'It is {"type":"function","name":…}.',
);
const AllowedSchema = v.looseObject({ mode: v.picklist(['auto', 'required']), tools: v.array(AnyNamedSchema) });
const FormatSchema = v.looseObject({ type: v.string() });

type Tool = v.InferOutput<typeof ToolSchema>;

/** Throws an `ApiError` that names the first tool which is no function. */
export function toldTools(tools: readonly unknown[]): object[] {
  return readTools(tools).map(({ name, description, parameters, strict }) => ({
    type: 'function',
    function: { name, description: description ?? null, parameters: parameters ?? null, strict: strict ?? null },
  }));
}

/** The same, as a response repeats them. */
export function shownTools(tools: readonly unknown[]): FunctionTool[] {
  return readTools(tools).map(({ type, name, description = null, parameters = null, strict = null }) => ({
    type,
    name,
    description,
    parameters,
    strict,
  }));
}

export function toldToolChoice(choice: unknown): unknown {
  if (typeof choice !== 'object' || choice === null) return choice;
  const { type } = choice as { type?: unknown };
  if (type === 'function') return namedTool(checked(NamedSchema, choice, 'tool_choice'));
  if (type === 'allowed_tools') {
    const { allowed_tools: nested = choice } = choice as { allowed_tools?: unknown };
    const { mode, tools } = checked(AllowedSchema, nested, 'tool_choice');
    return { type, allowed_tools: { mode, tools: tools.map((one) => ('function' in one ? one : namedTool(one))) } };
  }
  throw unsupported('tool_choice', `${toolName(type)} Choose a function, "auto", "required" or "none".`);
}

export function toldFormat(format: unknown): object {
  const { type, ...form } = checked(FormatSchema, format, 'text.format');
  if (type !== 'json_schema') return { type, ...form };
  if (form['schema'] === undefined) throw badRequest('text.format.schema', '"text.format.schema" is missing.');
  return { type, json_schema: form };
}

function readTools(tools: readonly unknown[]): Tool[] {
  return tools.map((tool, index) => {
    const { type } = (tool ?? {}) as { type?: unknown };
    if (type !== undefined && type !== 'function') {
      throw unsupported(`tools[${index}].type`, `${toolName(type)} Offer functions, which your program carries out.`);
    }
    return checked(ToolSchema, tool, `tools[${index}]`);
  });
}

function namedTool({ name }: { name: string }): object {
  return { type: 'function', function: { name } };
}

/** The built-in tools of OpenAI's API run on machines of OpenAI. */
function toolName(type: unknown): string {
  return `This mesh has no tool of the type ${JSON.stringify(type)?.slice(0, 64)}.`;
}
