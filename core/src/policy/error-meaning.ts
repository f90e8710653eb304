/** What each error means for a question and for the provider that sent it: one table, kept complete by the compiler. */
import type { ErrorCode, MeshError } from '../base/errors.ts';

interface Meaning {
  /** Another provider may do better; any other error is about the request itself, or about this computer. */
  elsewhere: boolean;
  /** It counts against the provider. */
  fault: boolean;
  /** The provider stopped in the middle of its work, and the question may be why. */
  breaks: boolean;
  /** A provider may send it as its reply. */
  provider: boolean;
}

/** The provider broke. */
const BROKE: Meaning = { elsewhere: true, fault: true, breaks: true, provider: true };

/** The provider did not do what it should. */
const FAILED: Meaning = { elsewhere: true, fault: true, breaks: false, provider: true };

/** The provider cannot right now, as may happen to anyone. */
const CANNOT: Meaning = { elsewhere: true, fault: false, breaks: false, provider: true };

/** Any provider would say the same about this question. */
const QUESTION: Meaning = { elsewhere: false, fault: false, breaks: false, provider: true };

/** The error is about the computer that asks, or about the mesh. */
const OURS: Meaning = { elsewhere: false, fault: false, breaks: false, provider: false };

export const MEANINGS: Record<ErrorCode, Meaning> = {
  cancelled: OURS,
  offline: OURS,
  control_unreachable: { ...OURS, elsewhere: true },
  control_refused: OURS,
  version_mismatch: FAILED,
  bad_message: FAILED,
  message_too_large: FAILED,
  rate_limited: FAILED,
  unknown_model: CANNOT,
  no_provider: OURS,
  busy: CANNOT,
  connect_failed: FAILED,
  provider_lost: BROKE,
  provider_stopped: CANNOT,
  empty_prompt: QUESTION,
  prompt_too_long: QUESTION,
  engine_failed: BROKE,
  model_not_found: FAILED,
  // The chat template refuses the conversation.
  model_unreadable: QUESTION,
  model_download_failed: FAILED,
  model_integrity: FAILED,
  model_wrong_library: FAILED,
  out_of_memory: BROKE,
  storage_full: FAILED,
  webgpu_absent: FAILED,
  wasm_absent: FAILED,
  page_outdated: FAILED,
  page_incomplete: FAILED,
  device_lost: BROKE,
  self_test_failed: FAILED,
  port_in_use: OURS,
  seal_failed: FAILED,
  seal_broken: FAILED,
  wrong_peer: FAILED,
  wrong_passphrase: OURS,
  key_unreadable: OURS,
  identity_unusable: OURS,
  work_refused: OURS,
  lease_refused: FAILED,
  receipt_refused: FAILED,
  no_trusted_provider: OURS,
  credits_short: OURS,
  price_changed: OURS,
  order_refused: OURS,
  log_broken: OURS,
  log_forked: OURS,
  bad_schema: QUESTION,
  too_few_tokens: QUESTION,
  unsupported: CANNOT,
  question_breaks: OURS,
  cannot_go_on: OURS,
};

export function isWorthAnother({ code }: MeshError): boolean {
  return MEANINGS[code].elsewhere;
}

/** Does it count against the provider? */
export function isFault({ code }: MeshError): boolean {
  return MEANINGS[code].fault;
}

/** Did the provider stop in the middle, so that the question may have broken it? */
export function isBreak({ code }: MeshError): boolean {
  return MEANINGS[code].breaks;
}
