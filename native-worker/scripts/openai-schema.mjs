// Writes the JSON schema of OpenAI's answers, from the types of OpenAI's own client. The gateway's tests check every
// answer against it. Run it after a new version of `openai`: node native-worker/scripts/openai-schema.mjs
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createGenerator } from 'ts-json-schema-generator';

const TYPES = {
  ChatCompletion: 'resources/chat/completions/completions.d.ts',
  ChatCompletionChunk: 'resources/chat/completions/completions.d.ts',
  Completion: 'resources/completions.d.ts',
  CreateEmbeddingResponse: 'resources/embeddings.d.ts',
  Model: 'resources/models.d.ts',
  ErrorObject: 'resources/shared.d.ts',
};

const OUTPUT = join(dirname(dirname(fileURLToPath(import.meta.url))), 'src/gateway/testing/openai-schema.json');
const openai = dirname(createRequire(import.meta.url).resolve('openai'));
const { version } = JSON.parse(readFileSync(join(openai, 'package.json'), 'utf8'));
const definitions = {};
for (const [type, file] of Object.entries(TYPES)) {
  const options = { path: join(openai, file), type, skipTypeCheck: true, additionalProperties: false };
  Object.assign(definitions, withoutProse(createGenerator(options).createSchema(type).definitions));
}
writeFileSync(OUTPUT, `${JSON.stringify({ openai: version, definitions }, null, 1)}\n`);

/** Only what decides: OpenAI's comments are no part of the schema. `properties` may have a field of any name. */
function withoutProse(schema) {
  if (Array.isArray(schema)) return schema.map(withoutProse);
  if (typeof schema !== 'object' || schema === null) return schema;
  const kept = Object.entries(schema).filter(
    ([key, value]) => typeof value !== 'string' || !['description', 'deprecated'].includes(key),
  );
  return Object.fromEntries(kept.map(([key, value]) => [key, withoutProse(value)]));
}
