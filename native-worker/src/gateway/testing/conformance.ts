/** Checks answers against OpenAI's own types, from which `openai-schema.json` was made. */
import { readFileSync } from 'node:fs';
import { Ajv, type ValidateFunction } from 'ajv';

interface Schema {
  openai: string;
  definitions: Record<string, object>;
}

const schema = JSON.parse(readFileSync(new URL('./openai-schema.json', import.meta.url), 'utf8')) as Schema;
const ajv = new Ajv({ allErrors: true, strict: false });
ajv.addSchema({ $id: 'openai', definitions: schema.definitions });
const validators = new Map<string, ValidateFunction>();

/** The version of the client whose types they are. */
export const schemaVersion = schema.openai;

export type Kind =
  | 'ChatCompletion'
  | 'ChatCompletionChunk'
  | 'Completion'
  | 'CreateEmbeddingResponse'
  | 'Model'
  | 'ErrorObject';

/** What other routers say of a model beside OpenAI's own fields, and clients look for. */
const ROUTERS = ['name', 'context_length', 'max_model_len', 'architecture', 'supported_parameters'];

/** What is wrong with a value; empty: nothing. Our own `llmesh` fields, which every client skips, are left out. */
export function faults(kind: Kind, value: unknown): string[] {
  const validate = validators.get(kind) ?? ajv.compile({ $ref: `openai#/definitions/${kind}` });
  validators.set(kind, validate);
  if (validate(withoutOurs(kind === 'Model' ? withoutRouters(value) : value))) return [];
  return (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`);
}

function withoutRouters(model: unknown): unknown {
  if (typeof model !== 'object' || model === null) return model;
  return Object.fromEntries(Object.entries(model).filter(([key]) => !ROUTERS.includes(key)));
}

function withoutOurs(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutOurs);
  if (typeof value !== 'object' || value === null) return value;
  const kept = Object.entries(value).filter(([key]) => key !== 'llmesh');
  return Object.fromEntries(kept.map(([key, inner]) => [key, withoutOurs(inner)]));
}
