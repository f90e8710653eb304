/**
 * Functions that a model may call, as a JSON schema for its answer: models differ in how they were taught to call, and small
 * ones were not; held to a schema, all of them can, on every engine that holds answers to schemas. Read by `generic-reader.ts`.
 */
import { affordable } from '../form/lower/lowered-arguments.ts';
import type { LoweredSchema } from '../form/lower/lowered-schema.ts';
import { readJsonSchema } from '../form/json-schema.ts';
import type { Tools } from '../protocol.ts';
import { callableOf, loweredOf, toolsOf, type Tool } from './tools.ts';

export interface GenericForm {
  /** What the model is told beside the words of its user. */
  system: string;
  /** The schema of the whole answer, as text. */
  schema: string;
}

const MAX_CALLS = 8;

/**
 * `said`: the schema of what is said instead of a call, as text; left out: that is free. What cannot be enforced of the
 * parameters is told to the model all the same. Throws bad_schema.
 */
export function genericForm(tools: Tools, said?: string): GenericForm {
  const callable = callableOf(toolsOf(tools), tools.choice);
  const value = said === undefined ? null : (JSON.parse(said) as object);
  const schema = affordable(loweredOf(callable), (held) => {
    const text = schemaOf(callable, held, tools, value);
    readJsonSchema(text);
    return text;
  });
  return { system: instructions(callable, tools.choice, value !== null), schema };
}

function schemaOf(
  tools: readonly Tool[],
  held: readonly LoweredSchema[],
  { choice, parallel }: Tools,
  said: object | null,
): string {
  const definitions: Record<string, unknown> = {};
  const calls = tools.map(({ name }, i) => ({
    type: 'object',
    properties: { name: { const: name }, arguments: hoisted(name, held[i]?.schema ?? {}, definitions) },
    required: ['name', 'arguments'],
  }));
  const maxItems = parallel && typeof choice === 'string' ? MAX_CALLS : 1;
  const call = withOne('tool_calls', { type: 'array', items: { anyOf: calls }, minItems: 1, maxItems });
  const speech =
    said === null ? withOne('content', { type: 'string' }) : withOne('value', hoisted('', said, definitions));
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
