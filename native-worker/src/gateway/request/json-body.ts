/** The body of a request, as JSON of a size that a prompt can have. */
import { keyOfTooDeep } from '@llmesh/core/base/json-depth';
import { decoded } from '../../files/decoded-text.ts';
import { ApiError, badRequest } from './api-error.ts';

/** Four times the longest prompt: a character may be escaped. */
export const MAX_BODY_BYTES = 2_097_152;

/** Twice what a schema may have inside. Endless nesting takes long to parse, and breaks the code that reads it. */
const MAX_BODY_DEPTH = 256;
/** Parameters that have JSON schemas inside. */
const SCHEMAS: ReadonlySet<string> = new Set(['response_format', 'tools']);

/**
 * Throws an `ApiError` when the body is too large, not JSON, or not declared as such: any other type could be sent by a
 * page without asking first, from a site that its reader only happens to visit.
 */
export async function jsonBody(request: Request): Promise<unknown> {
  if (!/^application\/json\s*(?:;|$)/i.test(request.headers.get('content-type') ?? '')) {
    const message = 'Send the body as JSON, with "Content-Type: application/json".';
    throw new ApiError({ status: 415, type: 'invalid_request_error', code: 'unsupported_media_type', message });
  }
  const encoding = request.headers.get('content-encoding') ?? 'identity';
  if (encoding.trim().toLowerCase() !== 'identity') throw otherEncoding(`"Content-Encoding: ${encoding.slice(0, 32)}"`);
  const bytes = await bounded(request);
  if (bytes[0] === 0x1f && bytes[1] === 0x8b) throw otherEncoding('gzip');
  // No JSON holds a zero byte; in UTF-16 every second one of ordinary text is.
  if (bytes.subarray(0, 4).includes(0)) throw otherEncoding('UTF-16 or UTF-32');
  const body = decoded(bytes);
  const tooDeep = keyOfTooDeep(body, MAX_BODY_DEPTH);
  if (tooDeep !== null) {
    const param = tooDeep === '' ? null : tooDeep;
    const message = `"${param ?? 'The body'}" is nested too deeply: at most ${MAX_BODY_DEPTH} levels. Make it flatter.`;
    throw badRequest(param, message, SCHEMAS.has(tooDeep) ? 'invalid_schema' : 'invalid_value');
  }
  try {
    return JSON.parse(body);
  } catch {
    throw badRequest(null, 'The body is not JSON. Was it cut short, or is a quote missing?', 'invalid_json');
  }
}

async function bounded({ headers, body }: Request): Promise<Buffer> {
  if (Number(headers.get('content-length') ?? 0) > MAX_BODY_BYTES) throw tooLarge();
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body ?? []) {
    bytes += chunk.byteLength;
    if (bytes > MAX_BODY_BYTES) throw tooLarge();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function otherEncoding(which: string): ApiError {
  const message = `The body comes as ${which}. Send it as UTF-8 text, not compressed.`;
  return new ApiError({ status: 415, type: 'invalid_request_error', code: 'unsupported_media_type', message });
}

function tooLarge(): ApiError {
  const message = `The body is too large: at most ${MAX_BODY_BYTES / 1_048_576} MiB. Shorten the conversation.`;
  return new ApiError({ status: 413, type: 'invalid_request_error', code: 'request_too_large', message });
}
