/** What a provider holds an answer to, at a stranger's wish. */
import { asMeshError, type MeshError } from '../base/errors.ts';
import { readJsonSchema, type JsonSchema } from '../form/json-schema.ts';
import type { TaskRequest } from '../protocol.ts';

/** Null: nothing; or why that cannot be. */
export function schemaOf({ schema }: Pick<TaskRequest, 'schema'>): JsonSchema | MeshError | null {
  if (schema === undefined) return null;
  try {
    return readJsonSchema(schema);
  } catch (thrown) {
    return asMeshError(thrown, 'bad_schema', 'This JSON schema cannot be read.');
  }
}
