/** Lowers the parameters of functions that stand in one schema together. */
import { asMeshError } from '../../base/errors.ts';
import { loweredSchema, type LoweredSchema } from './lowered-schema.ts';
import { SchemaBudget } from './schema-budget.ts';

const NO_ARGUMENTS: LoweredSchema = {
  schema: { type: 'object', properties: {}, additionalProperties: false },
  gaps: [],
};
const ANY_ARGUMENTS: LoweredSchema = { schema: { type: 'object' }, gaps: [{ at: '#', keyword: 'properties' }] };

/**
 * `parameters`: the JSON schema of each function's arguments, null where it has none; each result is a schema of objects.
 * `refused` makes the error for the one at this place that is no schema, or has no value.
 */
export function loweredArguments(
  parameters: readonly (object | null)[],
  refused: (place: number, message: string) => Error,
): LoweredSchema[] {
  const budget = new SchemaBudget();
  return parameters.map((schema, place) => {
    if (schema === null || Object.keys(schema).length === 0) return NO_ARGUMENTS;
    try {
      return loweredSchema(schema, budget, true);
    } catch (thrown) {
      throw refused(place, asMeshError(thrown, 'bad_schema', 'The JSON schema cannot be read.').message);
    }
  });
}

/**
 * Makes something of `all` that may be too much together: then ever more of them become any object, the largest first.
 * Throws what `make` throws where that does not help.
 */
export function affordable<T>(all: readonly LoweredSchema[], make: (some: readonly LoweredSchema[]) => T): T {
  const bySize = all.toSorted((a, b) => JSON.stringify(b.schema).length - JSON.stringify(a.schema).length);
  for (let loose = 0; loose < all.length; loose = 2 * loose + 1) {
    const large = new Set(bySize.slice(0, loose));
    try {
      return make(all.map((one) => (large.has(one) ? ANY_ARGUMENTS : one)));
    } catch (thrown) {
      if (asMeshError(thrown, 'engine_failed', '').code !== 'bad_schema') throw thrown;
    }
  }
  return make(all.map(() => ANY_ARGUMENTS));
}
