/**
 * Functions that a model may call, as a JSON schema for its answer: models differ in how they were taught to call, and small
 * ones were not; held to a schema, all of them can, on every engine that holds answers to schemas. Read by `generic-reader.ts`.
 */
import { MeshError } from '../base/errors.ts';
import { readJsonSchema } from '../form/json-schema.ts';
import type { Tools } from '../protocol.ts';
import { callableOf, toolsOf, type Tool } from './tools.ts';

export interface GenericForm {
  /** What the model is told beside the words of its user. */
  system: string;
  /** The schema of the whole answer, as text. */
  schema: string;
}

const MAX_CALLS = 8;
const NO_ARGUMENTS = { type: 'object', properties: {}, additionalProperties: false };
const ANY_ARGUMENTS = { type: 'object' };

/**
 * `said`: the schema of what is said instead of a call, as text; left out: that is free. Parameters that cannot be enforced
 * are told to the model all the same. Throws bad_schema.
 */
export function genericForm(tools: Tools, said?: string): GenericForm {
  const callable = callableOf(toolsOf(tools), tools.choice);
  const held = callable.map((tool) => ({ name: tool.name, parameters: parametersOf(tool) }));
  const loose = callable.map(({ name }) => ({ name, parameters: ANY_ARGUMENTS }));
  const schema = enforceable(schemaOf(held, tools, said)) ?? schemaOf(loose, tools, said);
  readJsonSchema(schema);
  return { system: instructions(callable, tools.choice, said !== undefined), schema };
}

interface HeldTool {
  name: string;
  parameters: object;
}

function schemaOf(tools: readonly HeldTool[], { choice, parallel }: Tools, said: string | undefined): string {
  const definitions: Record<string, unknown> = {};
  const calls = tools.map(({ name, parameters }) => ({
    type: 'object',
    properties: { name: { const: name }, arguments: hoisted(name, parameters, definitions) },
    required: ['name', 'arguments'],
  }));
  const maxItems = parallel && typeof choice === 'string' ? MAX_CALLS : 1;
  const call = withOne('tool_calls', { type: 'array', items: { anyOf: calls }, minItems: 1, maxItems });
  const speech =
    said === undefined
      ? withOne('content', { type: 'string' })
      : withOne('value', hoisted('', JSON.parse(said) as object, definitions));
  return JSON.stringify({ ...(choice === 'auto' ? { anyOf: [speech, call] } : call), $defs: definitions });
}

function withOne(key: string, schema: unknown): object {
  return { type: 'object', properties: { [key]: schema }, required: [key] };
}

function instructions(tools: readonly Tool[], choice: Tools['choice'], isValue: boolean): string {
  const described = tools.map(({ name, description, parameters }) =>
    JSON.stringify({ name, ...(description != null && { description }), ...(parameters != null && { parameters }) }),
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

/** What the arguments are held to: any object, where the schema asks for more than can be enforced. */
function parametersOf({ parameters }: Tool): object {
  if (parameters == null || Object.keys(parameters).length === 0) return NO_ARGUMENTS;
  const text = enforceable(JSON.stringify(parameters));
  if (text === null) return ANY_ARGUMENTS;
  const { root, named } = readJsonSchema(text);
  const shape = root.kind === 'named' ? named[root.name] : root;
  return shape?.kind === 'object' || shape?.kind === 'map' ? parameters : ANY_ARGUMENTS;
}

/** Null: it cannot be enforced. */
function enforceable(schema: string): string | null {
  try {
    readJsonSchema(schema);
    return schema;
  } catch (thrown) {
    if (thrown instanceof MeshError) return null;
    throw thrown;
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
