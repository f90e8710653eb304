/** What an error means for the answer, and for the provider that failed. */
import { inWords, needsOf, type Demand } from '../policy/abilities.ts';
import { MeshError, type ErrorCode } from '../base/errors.ts';
import { wellFormed } from '../wire/fields.ts';
import type { AskRequest } from './requester.ts';

interface Meaning {
  /** Another provider may do better; any other error is about the request itself, or about this computer. */
  elsewhere: boolean;
  /** It says something against the provider. */
  fault: boolean;
  /** The provider stopped in the middle of its work, and the question may be why. */
  breaks: boolean;
  /** What a provider that is asked can know. */
  provider: boolean;
}

/** It broke. */
const BROKE: Meaning = { elsewhere: true, fault: true, breaks: true, provider: true };
/** It did not do what it should. */
const FAILED: Meaning = { elsewhere: true, fault: true, breaks: false, provider: true };
/** It cannot right now, as may happen to anybody. */
const CANNOT: Meaning = { elsewhere: true, fault: false, breaks: false, provider: true };
/** Any provider would say the same of this question. */
const QUESTION: Meaning = { elsewhere: false, fault: false, breaks: false, provider: true };
/** About the computer that asks, or the mesh. */
const OURS: Meaning = { elsewhere: false, fault: false, breaks: false, provider: false };

const MEANINGS: Record<ErrorCode, Meaning> = {
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
  // A template that refuses the conversation.
  model_unreadable: QUESTION,
  model_download_failed: FAILED,
  model_integrity: FAILED,
  model_wrong_library: FAILED,
  out_of_memory: BROKE,
  storage_full: FAILED,
  webgpu_absent: FAILED,
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
  bad_schema: QUESTION,
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

/**
 * What a provider says of a task, as an error: a stranger's words, which end up in front of a person. What it cannot know
 * is not believed: "cancelled" would end the answer as if its asker had wished it.
 */
export function saidByProvider(code: ErrorCode, message: string): MeshError {
  if (code === 'cancelled') return new MeshError('provider_stopped', 'The volunteer stopped in the middle. Ask again.');
  if (!MEANINGS[code].provider)
    return new MeshError('bad_message', 'The volunteer failed at this question. Ask again.');
  const words = wellFormed(message).replaceAll(UNPRINTABLE, ' ').trim();
  return new MeshError(code, words === '' ? 'The volunteer failed at this question. Ask again.' : words);
}

/** Controls, and what turns the direction of a text or hides in it. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu;

/** Nobody else can be handed what there is of an answer that broke off. */
export function cannotGoOn(): MeshError {
  return new MeshError(
    'cannot_go_on',
    'The volunteer was lost, and what there is of the answer is too long for another one to go on with. Ask for the rest in a new question.',
  );
}

/** Why nobody at all could be asked. */
export function nobodyFor(request: Demand & Pick<AskRequest, 'only' | 'prefix'>): MeshError {
  const { only, prefix = null } = request;
  const beyond = inWords(needsOf(request));
  if (beyond !== '') {
    return new MeshError(
      'no_provider',
      `Nobody lends this model right now who can ${beyond}. Native workers can: start one, or choose another model.`,
    );
  }
  if (only !== null) {
    return new MeshError(
      'no_trusted_provider',
      'None of those you trust lends this model right now. Choose another model, let anyone answer, or use this device.',
    );
  }
  return prefix === null
    ? new MeshError('no_provider', 'Nobody lends this model right now. Choose another, or lend it yourself.')
    : new MeshError('no_provider', 'Nobody can go on with this answer right now. Wait for somebody, or ask it anew.');
}
