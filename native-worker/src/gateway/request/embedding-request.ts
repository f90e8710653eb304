/** The body of `POST /v1/embeddings`: texts to be turned into vectors. */
import * as v from 'valibot';
import { MAX_VECTOR_NUMBERS } from '@llmesh/core/wire/fields';
import { MAX_PROMPT_BYTES } from '@llmesh/core/protocol';
import { badRequest } from './api-error.ts';
import { checked, whole } from './checked.ts';
import { parametersOf, WHO, type Wish } from './request-fields.ts';
import { withoutUnsupported } from './unsupported.ts';

/** OpenAI's limit. */
const MAX_INPUTS = 2_048;
const TEXTS = `It is a text, or up to ${MAX_INPUTS} of them. Token ids mean something else to each model.`;
const input = v.pipe(v.string(), v.maxLength(MAX_PROMPT_BYTES));

const EmbeddingRequestSchema = v.strictObject({
  ...WHO,
  input: v.union([input, v.pipe(v.array(input), v.minLength(1, TEXTS), v.maxLength(MAX_INPUTS, TEXTS))], TEXTS),
  encoding_format: v.optional(v.picklist(['float', 'base64'], 'It is "float" or "base64".'), 'float'),
  dimensions: v.optional(whole(1, MAX_VECTOR_NUMBERS)),
});

export interface EmbeddingRequest extends Pick<Wish, 'models' | 'provider' | 'privacy'> {
  inputs: readonly string[];
  encoding: 'float' | 'base64';
  /** How many numbers a vector must have; null: as many as the model gives. */
  dimensions: number | null;
}

/** Throws an `ApiError` that names the parameter which is wrong or not supported here. */
export function parseEmbeddingRequest(body: unknown): EmbeddingRequest {
  const known = withoutUnsupported(parametersOf(body, '"model" and "input"'), 'embedding');
  const request = checked(EmbeddingRequestSchema, known, '');
  const { model, models, provider, privacy, encoding_format: encoding, dimensions = null } = request;
  const inputs = [request.input].flat();
  const blank = inputs.findIndex((text) => text.trim() === '');
  if (blank !== -1) {
    const param = typeof request.input === 'string' ? 'input' : `input[${blank}]`;
    throw badRequest(param, 'An empty text has no vector. Leave it out.');
  }
  return { models: [...new Set([model, ...models])], provider, privacy, inputs, encoding, dimensions };
}
