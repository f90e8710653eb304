// Writes the JSON schemas of the answers of OpenAI's and Anthropic's APIs, from the types of their own clients. The gateway's
// tests check every answer against them. Run it after a new version of either: node native-worker/scripts/api-schemas.mjs
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createGenerator } from 'ts-json-schema-generator';

const RESPONSES = 'resources/responses/responses.d.ts';
const MESSAGES = 'resources/messages/messages.d.ts';
const APIS = [
  {
    name: 'openai',
    module: 'openai',
    types: {
      ChatCompletion: 'resources/chat/completions/completions.d.ts',
      ChatCompletionChunk: 'resources/chat/completions/completions.d.ts',
      Completion: 'resources/completions.d.ts',
      CreateEmbeddingResponse: 'resources/embeddings.d.ts',
      Model: 'resources/models.d.ts',
      ErrorObject: 'resources/shared.d.ts',
      ResponseStreamEvent: RESPONSES,
    },
    // Other variants come from tools that we do not have: one of them in an answer of ours is a fault.
    variants: {
      ResponseStreamEvent:
        /^Response(Completed|Incomplete|Failed|Created|InProgress|Error|OutputItem|ContentPart|Text|Reasoning|FunctionCallArguments)[A-Za-z]*Event$/,
      ResponseOutputItem: /^Response(OutputMessage|FunctionToolCall|ReasoningItem)$/,
      Tool: /^FunctionTool$/,
      ResponseInputItem: /^EasyInputMessage$/,
    },
    // Clients make it themselves.
    dropped: { Response: 'output_text' },
  },
  {
    name: 'anthropic',
    module: '@anthropic-ai/sdk',
    types: { Message: MESSAGES, RawMessageStreamEvent: MESSAGES, ErrorResponse: 'resources/shared.d.ts' },
    variants: {
      ContentBlock: /^(Text|Thinking|ToolUse)Block$/,
      'RawContentBlockStartEvent.content_block': /^(Text|Thinking|ToolUse)Block$/,
    },
    dropped: {},
  },
];

const FOLDER = join(dirname(dirname(fileURLToPath(import.meta.url))), 'src/gateway/testing');
for (const { name, module, types, variants, dropped } of APIS) {
  const root = dirname(createRequire(import.meta.url).resolve(module));
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const all = {};
  for (const [type, file] of Object.entries(types)) {
    const options = { path: join(root, file), type, skipTypeCheck: true, additionalProperties: false };
    Object.assign(all, withoutProse(createGenerator(options).createSchema(type).definitions));
  }
  for (const [place, pattern] of Object.entries(variants)) {
    const [type, property] = place.split('.');
    const union = property === undefined ? all[type] : all[type].properties[property];
    union.anyOf = union.anyOf.filter(({ $ref }) => pattern.test(nameIn($ref ?? '')));
  }
  for (const [type, property] of Object.entries(dropped)) {
    delete all[type].properties[property];
    all[type].required = all[type].required.filter((required) => required !== property);
  }
  const definitions = Object.fromEntries([...reached(Object.keys(types), all)].map((type) => [type, all[type]]));
  writeFileSync(join(FOLDER, `${name}-schema.json`), `${JSON.stringify({ version, definitions }, null, 1)}\n`);
}

function reached(types, all) {
  const found = new Set();
  const waiting = [...types];
  for (let type = waiting.pop(); type !== undefined; type = waiting.pop()) {
    if (found.has(type)) continue;
    found.add(type);
    for (const [, $ref] of JSON.stringify(all[type]).matchAll(/"\$ref":"([^"]+)"/g)) waiting.push(nameIn($ref));
  }
  return [...found].toSorted((a, b) => (a < b ? -1 : 1));
}

function nameIn($ref) {
  return decodeURIComponent($ref.slice('#/definitions/'.length));
}

/** Only what decides: comments are no part of the schema. `properties` may have a field of any name. */
function withoutProse(schema) {
  if (Array.isArray(schema)) return schema.map(withoutProse);
  if (typeof schema !== 'object' || schema === null) return schema;
  const kept = Object.entries(schema).filter(
    ([key, value]) => typeof value !== 'string' || !['description', 'deprecated'].includes(key),
  );
  return Object.fromEntries(kept.map(([key, value]) => [key, withoutProse(value)]));
}
