/**
 * Everything that can go wrong for a person, by a stable code. The message says what happened and what to do next;
 * code never looks at it. The codes travel on the wire, so a new one is an addition and an old one is never reused.
 */
export const ERROR_CODES = [
  'cancelled',
  'offline',
  'control_unreachable',
  'control_refused',
  'version_mismatch',
  'bad_message',
  'message_too_large',
  'rate_limited',
  'unknown_model',
  'no_provider',
  'busy',
  'connect_failed',
  'provider_lost',
  'provider_stopped',
  'empty_prompt',
  'prompt_too_long',
  'engine_failed',
  'model_not_found',
  'model_unreadable',
  'model_download_failed',
  'model_integrity',
  'model_wrong_library',
  'out_of_memory',
  'storage_full',
  'webgpu_absent',
  'wasm_absent',
  // The server has a newer page than this one; it does not hand out a part of this one.
  'page_outdated',
  'page_incomplete',
  'device_lost',
  'self_test_failed',
  'port_in_use',
  // The connection could not be sealed; it was sealed and something altered it; another peer's key answered.
  'seal_failed',
  'seal_broken',
  'wrong_peer',
  // These are about the key of this computer.
  'wrong_passphrase',
  'key_unreadable',
  'identity_unusable',
  'work_refused',
  // These are about the lease of a task, and what was delivered.
  'lease_refused',
  'receipt_refused',
  'no_trusted_provider',
  // These are about credits: there are too few; the price has risen; the ledger does not take what was asked of it.
  'credits_short',
  'price_changed',
  'order_refused',
  // The ledger does not continue what the log has signed; a log shows different pasts to different people.
  'log_broken',
  'log_forked',
  // The form of the answer is invalid; the one who was asked cannot do this.
  'bad_schema',
  // Not even the shortest answer of its form fits in the tokens that it may have.
  'too_few_tokens',
  'unsupported',
  // Those who worked on the question broke; its answer so far is more than can be handed on.
  'question_breaks',
  'cannot_go_on',
] as const;

export type ErrorCode = (typeof ERROR_CODES)[number];

export class MeshError extends Error {
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'MeshError';
    this.code = code;
  }
}

/** The error that says that a person stopped something. It is neither shown nor counted as a failure. */
export function cancelled(): MeshError {
  return new MeshError('cancelled', 'Stopped.');
}

/** Any thrown value as a `MeshError`: itself when it is one, else `code` with `message`, keeping the cause. */
export function asMeshError(thrown: unknown, code: ErrorCode, message: string): MeshError {
  return thrown instanceof MeshError ? thrown : new MeshError(code, message, { cause: thrown });
}
