/** The functions that a question offers, read from the text in which they travel. */
import * as v from 'valibot';
import { keyOfTooDeep } from '../base/json-depth.ts';
import { MeshError } from '../base/errors.ts';
import { loweredArguments } from '../form/lower/lowered-arguments.ts';
import type { LoweredSchema } from '../form/lower/lowered-schema.ts';
import { MAX_TOOLS, functionName, type Tools } from '../protocol.ts';
import { parsedJson } from './json-slices.ts';

/** Parameters are a schema within a list, and say `properties` before each name. */
const MAX_DEPTH = 64;

const anObject = v.custom<object>((value) => typeof value === 'object' && value !== null && !Array.isArray(value));

const ToolSchema = v.object({
  name: functionName,
  description: v.optional(v.nullable(v.string())),
  /** A JSON schema of its arguments, an object. Left out: there are none. */
  parameters: v.optional(v.nullable(anObject)),
});
const ListSchema = v.pipe(v.array(ToolSchema), v.minLength(1), v.maxLength(MAX_TOOLS));

export type Tool = v.InferOutput<typeof ToolSchema>;

/** Throws bad_schema. */
export function toolsOf({ list, choice }: Pick<Tools, 'list' | 'choice'>): Tool[] {
  const value = keyOfTooDeep(list, MAX_DEPTH) === null ? parsedJson(list) : undefined;
  const { success, output } = v.safeParse(ListSchema, value);
  if (!success) throw new MeshError('bad_schema', 'The functions that the model may call cannot be read.');
  if (new Set(output.map(({ name }) => name)).size < output.length) {
    throw new MeshError('bad_schema', 'Two functions have the same name. Give each its own.');
  }
  if (typeof choice !== 'string' && output.every(({ name }) => name !== choice.name)) {
    throw new MeshError('bad_schema', 'The function to call is not among the tools.');
  }
  return output;
}

/** Those that may be called: all, or the one that must be. */
export function callableOf(tools: readonly Tool[], choice: Tools['choice']): readonly Tool[] {
  return typeof choice === 'string' ? tools : tools.filter(({ name }) => name === choice.name);
}

/** What the arguments of each can be held to. Throws bad_schema for parameters that are no schema. */
export function loweredOf(tools: readonly Tool[]): LoweredSchema[] {
  return loweredArguments(
    tools.map(({ parameters }) => parameters ?? null),
    (place, message) => new MeshError('bad_schema', `${message} It is of the function ${tools[place]?.name}.`),
  );
}
