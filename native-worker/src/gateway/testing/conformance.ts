/** Checks answers against the types of OpenAI's and Anthropic's own clients, from which the schemas here were made. */
import { readFileSync } from 'node:fs';
import { Ajv, type ValidateFunction } from 'ajv';

interface Schema {
  version: string;
  definitions: Record<string, object>;
}

const ajv = new Ajv({ allErrors: true, strict: false });
const [openai, anthropic] = [added('openai'), added('anthropic')];
const validators = new Map<string, ValidateFunction>();

/** The versions of the clients whose types they are. */
export const schemaVersions = { openai: openai.version, anthropic: anthropic.version };

export type Kind =
  | 'ChatCompletion'
  | 'ChatCompletionChunk'
  | 'Completion'
  | 'CreateEmbeddingResponse'
  | 'Model'
  | 'ErrorObject'
  | 'Response'
  | 'ResponseStreamEvent';
export type AnthropicKind = 'Message' | 'RawMessageStreamEvent' | 'ErrorResponse';

/** What other routers say of a model beside OpenAI's own fields, and clients look for. */
const ROUTERS = ['name', 'context_length', 'max_model_len', 'architecture', 'supported_parameters'];

/** What is wrong with a value; empty: nothing. Our own `llmesh` fields, which every client skips, are left out. */
export function faults(kind: Kind, value: unknown): string[] {
  return faultsBy(`openai#/definitions/${kind}`, kind === 'Model' ? withoutRouters(value) : value);
}

function withoutRouters(model: unknown): unknown {
  if (typeof model !== 'object' || model === null) return model;
  return Object.fromEntries(Object.entries(model).filter(([key]) => !ROUTERS.includes(key)));
}

export function anthropicFaults(kind: AnthropicKind, value: unknown): string[] {
  return faultsBy(`anthropic#/definitions/${kind}`, value);
}

function faultsBy($ref: string, value: unknown): string[] {
  const validate = validators.get($ref) ?? ajv.compile({ $ref });
  validators.set($ref, validate);
  if (validate(withoutOurs(value))) return [];
  return (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`);
}

function added(name: string): Schema {
  const schema = JSON.parse(readFileSync(new URL(`./${name}-schema.json`, import.meta.url), 'utf8')) as Schema;
  ajv.addSchema({ $id: name, definitions: schema.definitions });
  return schema;
}

function withoutOurs(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutOurs);
  if (typeof value !== 'object' || value === null) return value;
  const kept = Object.entries(value).filter(([key]) => key !== 'llmesh');
  return Object.fromEntries(kept.map(([key, inner]) => [key, withoutOurs(inner)]));
}
