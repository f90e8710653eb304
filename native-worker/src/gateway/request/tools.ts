/**
 * Functions that a model may call, as a JSON schema for its answer: models differ in how they were taught to call, and small
 * ones were not; held to a schema, all of them can, on every engine that holds answers to schemas.
 */
import { asMeshError, MeshError } from '@llmesh/core/base/errors';
import { readJsonSchema, type JsonSchema } from '@llmesh/core/form/json-schema';
import type { Turn } from '@llmesh/core/protocol';
import { MAX_SCHEMA_CHARS } from '@llmesh/core/wire/fields';

export interface Tool {
  name: string;
  description: string | null;
  /** A JSON schema of its arguments, an object; null: there are none. */
  parameters: object | null;
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

/** `parallel`: several calls in one answer. Throws bad_schema, which says what cannot be enforced. */
export function planTools(tools: readonly Tool[], choice: ToolChoice, parallel: boolean): ToolPlan {
  const callable = typeof choice === 'string' ? tools : tools.filter(({ name }) => name === choice.name);
  if (callable.length === 0) throw new MeshError('bad_schema', 'The function to call is not among the tools.');
  const chars = callable.reduce((sum, { parameters }) => sum + JSON.stringify(parameters).length, 0);
  if (chars > MAX_SCHEMA_CHARS) {
    throw new MeshError('bad_schema', 'The parameters of all functions together are too long. Offer fewer functions.');
  }
  const definitions: Record<string, unknown> = {};
  const calls = callable.map(({ name, parameters }) => ({
    type: 'object',
    properties: { name: { const: name }, arguments: hoisted(name, objectOf(name, parameters), definitions) },
    required: ['name', 'arguments'],
  }));
  const maxItems = parallel && typeof choice === 'string' ? MAX_CALLS : 1;
  const call = withOne('tool_calls', { type: 'array', items: { anyOf: calls }, minItems: 1, maxItems });
  const answer = choice === 'auto' ? { anyOf: [withOne('content', { type: 'string' }), call] } : call;
  const schema = JSON.stringify({ ...answer, $defs: definitions });
  readJsonSchema(schema);
  return { system: instructions(callable, choice), schema };
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

function withOne(key: string, schema: object): object {
  return { type: 'object', properties: { [key]: schema }, required: [key] };
}

function instructions(tools: readonly Tool[], choice: ToolChoice): string {
  const described = tools.map(({ name, description, parameters }) =>
    JSON.stringify({ name, ...(description !== null && { description }), ...(parameters !== null && { parameters }) }),
  );
  const call = 'To call functions, answer {"tool_calls":[{"name":…,"arguments":{…}}]}.';
  return [
    'You answer with one JSON object. These functions can be called:',
    ...described,
    choice === 'auto' ? `${call} To say something instead, answer {"content":"…"}.` : call,
  ].join('\n');
}

const NO_ARGUMENTS = { type: 'object', properties: {}, additionalProperties: false };

function objectOf(name: string, parameters: object | null): object {
  if (parameters === null || Object.keys(parameters).length === 0) return NO_ARGUMENTS;
  const { root, named } = readParameters(name, parameters);
  const shape = root.kind === 'named' ? named[root.name] : root;
  if (shape?.kind === 'object' || shape?.kind === 'map') return parameters;
  throw new MeshError('bad_schema', `The parameters of the function ${name} are not an object.`);
}

function readParameters(name: string, parameters: object): JsonSchema {
  try {
    return readJsonSchema(JSON.stringify(parameters));
  } catch (thrown) {
    const { code, message } = asMeshError(thrown, 'bad_schema', 'They cannot be read.');
    throw new MeshError(code, `The parameters of the function ${name} cannot be enforced. ${message}`);
  }
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
