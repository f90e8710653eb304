/**
 * Functions that a model may call, as a JSON schema for its answer: models differ in how they were taught to call, and small
 * ones were not; held to a schema, all of them can, on every engine that holds answers to schemas.
 */
import { MeshError } from '@llmesh/core/base/errors';
import { readJsonSchema } from '@llmesh/core/form/json-schema';
import type { Turn } from '@llmesh/core/protocol';
import { affordable } from '@llmesh/core/form/lower/lowered-arguments';
import type { LoweredSchema } from '@llmesh/core/form/lower/lowered-schema';

export interface Tool {
  name: string;
  description: string | null;
  /** A JSON schema of its arguments, which the model is told; null: there are none. */
  parameters: object | null;
  /** What they are held to. */
  held: LoweredSchema;
}

/** Whether it may call, must call, or must call this one. Where it may not call at all, there are no tools. */
export type ToolChoice = 'auto' | 'required' | { name: string };

export interface ToolPlan {
  /** What the model is told beside the words of its user. */
  system: string;
  /** The schema of the whole answer, as text. */
  schema: string;
}

export interface ToolCall {
  id: string;
  name: string;
  /** The arguments as JSON. */
  arguments: string;
}

const MAX_CALLS = 8;

/**
 * `said`: the schema of what is said instead of a call; null: that is free. `parallel`: several calls in one answer. Throws
 * bad_schema where there is nothing to call.
 */
export function planTools(
  tools: readonly Tool[],
  choice: ToolChoice,
  { parallel, said }: { parallel: boolean; said: object | null },
): ToolPlan {
  const callable = typeof choice === 'string' ? tools : tools.filter(({ name }) => name === choice.name);
  if (callable.length === 0) throw new MeshError('bad_schema', 'The function to call is not among the tools.');
  const schema = affordable(
    callable.map(({ held }) => held),
    (all) => {
      const definitions: Record<string, unknown> = {};
      const calls = callable.map(({ name }, i) => ({
        type: 'object',
        properties: { name: { const: name }, arguments: hoisted(name, all[i]?.schema ?? {}, definitions) },
        required: ['name', 'arguments'],
      }));
      const maxItems = parallel && typeof choice === 'string' ? MAX_CALLS : 1;
      const call = withOne('tool_calls', { type: 'array', items: { anyOf: calls }, minItems: 1, maxItems });
      const content =
        said === null ? withOne('content', { type: 'string' }) : withOne('value', hoisted('', said, definitions));
      const text = JSON.stringify({ ...(choice === 'auto' ? { anyOf: [content, call] } : call), $defs: definitions });
      readJsonSchema(text);
      return text;
    },
  );
  return { system: instructions(callable, choice, said !== null), schema };
}

/** An earlier answer, in the form that the model is held to now. */
export function answerTurn(content: string, calls: readonly Pick<ToolCall, 'name' | 'arguments'>[]): Turn {
  const called = calls.map(({ name, arguments: json }) => `{"name":${JSON.stringify(name)},"arguments":${json}}`);
  return {
    role: 'assistant',
    content: called.length === 0 ? JSON.stringify({ content }) : `{"tool_calls":[${called.join(',')}]}`,
  };
}

/** The turn with what a function returned. Templates know no role for it that all models share. */
export function resultTurn(name: string, result: string): Turn {
  return { role: 'user', content: `The function ${name} returned:\n${result}` };
}

function withOne(key: string, schema: unknown): object {
  return { type: 'object', properties: { [key]: schema }, required: [key] };
}

function instructions(tools: readonly Tool[], choice: ToolChoice, isValue: boolean): string {
  const described = tools.map(({ name, description, parameters }) =>
    JSON.stringify({ name, ...(description !== null && { description }), ...(parameters !== null && { parameters }) }),
  );
  const call = 'To call functions, answer {"tool_calls":[{"name":…,"arguments":{…}}]}.';
  return [
    'You answer with one JSON object. These functions can be called:',
    ...described,
    choice === 'auto'
      ? `${call} To say something instead, answer ${isValue ? '{"value":…}' : '{"content":"…"}'}.`
      : call,
  ].join('\n');
}

/** `schema` as a part of another: what it refers to within itself stands there under names of its own. */
function hoisted(name: string, schema: object, definitions: Record<string, unknown>): unknown {
  const own = (part: string) => `${name}/${part}`.replaceAll('/', '.');
  let refersToItself = false;
  const moved = (node: unknown): unknown => {
    if (Array.isArray(node)) return node.map(moved);
    if (typeof node !== 'object' || node === null) return node;
    const entries = Object.entries(node).flatMap(([key, value]): [string, unknown][] => {
      if (key === '$ref' && value === '#') {
        refersToItself = true;
        return [[key, `#/$defs/${own('')}`]];
      }
      const target =
        key === '$ref' && typeof value === 'string' ? /^#\/(?:\$defs|definitions)\/(.+)$/.exec(value) : null;
      return [[key, target === null ? moved(value) : `#/$defs/${own(target[1] ?? '')}`]];
    });
    return Object.fromEntries(entries);
  };
  const { $defs, definitions: older, ...rest } = schema as { $defs?: object; definitions?: object };
  for (const [part, value] of Object.entries({ ...older, ...$defs })) definitions[own(part)] = moved(value);
  const root = moved(rest);
  if (!refersToItself) return root;
  definitions[own('')] = root;
  return { $ref: `#/$defs/${own('')}` };
}
