/** What a provider holds an answer to, at a stranger's wish. */
import type { ModelAdvert } from './control-protocol.ts';
import { asMeshError, MeshError } from './errors.ts';
import { readJsonSchema, type JsonSchema } from './json-schema.ts';
import type { TaskRequest } from './protocol.ts';

/** Null: nothing; or why that cannot be. */
export function schemaOf({ schema }: TaskRequest, { schemas = false }: ModelAdvert): JsonSchema | MeshError | null {
  if (schema === undefined) return null;
  if (!schemas) return new MeshError('schema_unsupported', 'This volunteer cannot hold its model to a JSON schema.');
  try {
    return readJsonSchema(schema);
  } catch (thrown) {
    return asMeshError(thrown, 'bad_schema', 'This JSON schema cannot be read.');
  }
}
