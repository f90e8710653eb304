/**
 * Lowers any JSON schema to one that `readJsonSchema` takes: it allows at least what the first one allows, and what it does
 * not enforce is listed. Generators of schemas write more than a grammar can enforce, and people who call functions have no
 * say in what they write.
 */
import { asMeshError, MeshError } from '../../base/errors.ts';
import { readJsonSchema } from '../json-schema.ts';
import { Lowering } from './lowering.ts';
import type { Gap } from './schema-gaps.ts';
import { SchemaBudget } from './schema-budget.ts';

export interface LoweredSchema {
  schema: object;
  /** Nothing: all of it is enforced, apart from keywords that say nothing about a value. */
  gaps: readonly Gap[];
}

/** The levels that are tried where the whole is too much: below them anything goes. At the last not even names are left. */
const LEVELS = [24, 6, 3, 1, 0, -1] as const;

/**
 * `budget`: what this schema shares with others that become one with it; `isOfObject`: its values are objects. Throws bad_schema for what is no schema, or can have no
 * value.
 */
export function loweredSchema(schema: unknown, budget = new SchemaBudget(), isOfObject = false): LoweredSchema {
  let fault: MeshError | null = null;
  for (const levels of LEVELS) {
    const share = budget.copy();
    const lowering = new Lowering(schema, levels, share, isOfObject);
    const lowered = lowering.lower();
    try {
      readJsonSchema(JSON.stringify(lowered));
    } catch (thrown) {
      fault = asMeshError(thrown, 'bad_schema', 'The JSON schema cannot be read.');
      continue;
    }
    budget.take(share);
    return { schema: lowered, gaps: lowering.gaps.list };
  }
  throw fault ?? new MeshError('bad_schema', 'The JSON schema cannot be read.');
}
