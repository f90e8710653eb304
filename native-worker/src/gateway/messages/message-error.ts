/** Errors in Anthropic's shape. */
import type { ErrorResponse } from '@anthropic-ai/sdk/resources/shared';
import type { ApiError } from '../request/api-error.ts';

export function messageError({ status, message }: ApiError, requestId: string): ErrorResponse {
  return { type: 'error', error: { type: typeOf(status), message }, request_id: requestId };
}

function typeOf(status: number): ErrorResponse['error']['type'] {
  if (status === 401) return 'authentication_error';
  if (status === 404) return 'not_found_error';
  if (status === 429) return 'rate_limit_error';
  if (status === 503) return 'overloaded_error';
  return status < 500 ? 'invalid_request_error' : 'api_error';
}
