/** What an error means for the answer, and for the provider that failed. */
import { inWords, type Needs } from '../policy/abilities.ts';
import { MeshError, type ErrorCode } from '../base/errors.ts';
import { wellFormed } from '../wire/fields.ts';
import { MEANINGS } from '../policy/error-meaning.ts';
import type { PeerId } from '../base/ids.ts';

/**
 * What a provider says of a task, as an error: a stranger's words, which end up in front of a person. What it cannot know
 * is not believed: "cancelled" would end the answer as if its requester had wished it.
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
    'The volunteer was lost, and the answer so far is too long for another one to continue. Ask for the rest in a new question.',
  );
}

/** Who was looked for. */
export interface Sought {
  needs: Needs;
  /** No one but these; null: anyone. */
  only: readonly PeerId[] | null;
  /** To continue what others began. */
  begun: boolean;
}

/** Why nobody at all could be asked. */
export function nobodyFor({ needs, only, begun }: Sought): MeshError {
  const beyond = inWords(needs);
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
  return !begun
    ? new MeshError('no_provider', 'Nobody lends this model right now. Choose another, or lend it yourself.')
    : new MeshError('no_provider', 'Nobody can continue this answer right now. Wait for somebody, or ask again.');
}
