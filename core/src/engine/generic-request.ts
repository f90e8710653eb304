/** Functions for engines that hold answers to schemas and know no more: they are told in words, and called in the generic form. */
import type { Turn } from '../protocol.ts';
import { readJsonSchema, type JsonSchema } from '../form/json-schema.ts';
import type { GenericForm } from '../syntax/generic-form.ts';

export interface GenericRequest {
  /** With the functions in a system turn. */
  turns: Turn[];
  /** The form of the whole answer. */
  schema: JsonSchema;
}

/** Throws bad_schema. */
export function genericRequest(turns: readonly Turn[], form: GenericForm): GenericRequest {
  return { turns: withSystem(turns, form.system), schema: readJsonSchema(form.schema) };
}

/** Adds `system` to what the question itself tells the model. */
function withSystem(turns: readonly Turn[], system: string): Turn[] {
  const [first, ...rest] = turns;
  if (first?.role !== 'system') return [{ role: 'system', content: system }, ...turns];
  return [{ role: 'system', content: `${first.content}\n\n${system}` }, ...rest];
}
