/** Everything that goes wrong at the gateway, in the shape that OpenAI's clients know. */
import type { ErrorObject } from 'openai/resources/shared';
import { asMeshError, type ErrorCode, type MeshError } from '@llmesh/core/base/errors';

/** The names that OpenAI's own answers use. */
export type ApiErrorType = 'invalid_request_error' | 'authentication_error' | 'rate_limit_error' | 'server_error';

export interface ApiErrorOptions {
  status: number;
  type: ApiErrorType;
  /** A stable code for programs. */
  code: string;
  message: string;
  /** Where in the request it is: `messages[0].content`. Left out: nowhere in particular. */
  param?: string | null;
  /** When it is worth trying again. Left out: unknown. */
  retryAfterSeconds?: number;
}

export class ApiError extends Error {
  readonly status: number;
  readonly retryAfterSeconds: number | null;
  readonly #body: ErrorObject & { type: ApiErrorType };

  constructor({ status, type, code, message, param = null, retryAfterSeconds }: ApiErrorOptions) {
    super(message);
    this.name = 'ApiError';
    this.status = status;
    this.retryAfterSeconds = retryAfterSeconds ?? null;
    this.#body = { type, code, message, param };
  }

  get body(): { error: ErrorObject & { type: ApiErrorType } } {
    return { error: this.#body };
  }
}

/** The request itself is wrong: `param` says where. */
export function badRequest(param: string | null, message: string, code = 'invalid_value'): ApiError {
  return new ApiError({ status: 400, type: 'invalid_request_error', code, message, param });
}

/** The request is valid, but this is not carried out here. */
export function unsupported(param: string, message: string): ApiError {
  return badRequest(param, message, 'unsupported_parameter');
}

/** Any thrown value as an `ApiError`; an unexpected one tells a stranger nothing about this computer. */
export function asApiError(thrown: unknown): ApiError {
  if (thrown instanceof ApiError) return thrown;
  return fromMesh(asMeshError(thrown, 'engine_failed', 'The gateway failed at this request. Try again.'));
}

function fromMesh({ code, message }: MeshError): ApiError {
  const [status, type, retryAfterSeconds] = ANSWERS[code];
  const named = OPENAI_CODES[code] ?? code;
  const param = PARAMS[code] ?? null;
  return new ApiError({
    status,
    type,
    code: named,
    message,
    param,
    ...(retryAfterSeconds > 0 && { retryAfterSeconds }),
  });
}

/** 0: trying again soon changes nothing. */
type Answer = readonly [status: number, type: ApiErrorType, retryAfterSeconds: number];
const THEIRS: Answer = [400, 'invalid_request_error', 0];
const AWAY: Answer = [503, 'server_error', 5];
const BROKEN: Answer = [502, 'server_error', 1];

const ANSWERS: Record<ErrorCode, Answer> = {
  // Nobody is there to read it: this is nginx's number for that, in case somebody counts.
  cancelled: [499, 'invalid_request_error', 0],
  offline: AWAY,
  control_unreachable: AWAY,
  control_refused: [503, 'server_error', 0],
  version_mismatch: [503, 'server_error', 0],
  bad_message: BROKEN,
  message_too_large: [413, 'invalid_request_error', 0],
  rate_limited: [429, 'rate_limit_error', 2],
  unknown_model: [404, 'invalid_request_error', 0],
  no_provider: [503, 'server_error', 10],
  busy: [503, 'server_error', 10],
  connect_failed: BROKEN,
  provider_lost: BROKEN,
  provider_stopped: BROKEN,
  empty_prompt: THEIRS,
  prompt_too_long: THEIRS,
  engine_failed: BROKEN,
  model_not_found: BROKEN,
  // A provider says this about a conversation that the model's template refuses.
  model_unreadable: THEIRS,
  model_download_failed: BROKEN,
  model_integrity: BROKEN,
  model_wrong_library: BROKEN,
  out_of_memory: BROKEN,
  storage_full: BROKEN,
  webgpu_absent: BROKEN,
  wasm_absent: BROKEN,
  page_outdated: BROKEN,
  page_incomplete: BROKEN,
  device_lost: BROKEN,
  self_test_failed: BROKEN,
  port_in_use: BROKEN,
  seal_failed: BROKEN,
  seal_broken: BROKEN,
  wrong_peer: BROKEN,
  wrong_passphrase: BROKEN,
  key_unreadable: BROKEN,
  identity_unusable: BROKEN,
  work_refused: BROKEN,
  lease_refused: BROKEN,
  receipt_refused: BROKEN,
  credits_short: [402, 'invalid_request_error', 0],
  price_changed: [409, 'invalid_request_error', 1],
  order_refused: THEIRS,
  log_broken: [503, 'server_error', 0],
  log_forked: [503, 'server_error', 0],
  no_trusted_provider: [503, 'server_error', 10],
  bad_schema: THEIRS,
  too_few_tokens: THEIRS,
  unsupported: [503, 'server_error', 10],
  // Clients ask again on their own after 5xx, and more computers would break over it.
  question_breaks: [422, 'invalid_request_error', 0],
  cannot_go_on: BROKEN,
};

/** The codes that programs know by another name. */
const OPENAI_CODES: Partial<Record<ErrorCode, string>> = {
  unknown_model: 'model_not_found',
  prompt_too_long: 'context_length_exceeded',
  rate_limited: 'rate_limit_exceeded',
};

const PARAMS: Partial<Record<ErrorCode, string>> = {
  unknown_model: 'model',
  empty_prompt: 'messages',
  prompt_too_long: 'messages',
  model_unreadable: 'messages',
};
