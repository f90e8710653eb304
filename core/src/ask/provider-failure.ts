/** What an error means for the answer, and for the provider that failed. */
import { inWords, type Needs } from '../policy/abilities.ts';
import { MeshError, type ErrorCode } from '../base/errors.ts';
import { wellFormed } from '../wire/fields.ts';
import { MEANINGS } from '../policy/error-meaning.ts';
import type { PeerId } from '../base/ids.ts';

/**
 * A provider's message about a task, as an error: a stranger's words, which end up in front of a person. We do not
 * believe what it cannot know: "cancelled" would end the answer as if its requester had wanted that.
 */
export function saidByProvider(code: ErrorCode, message: string): MeshError {
  if (code === 'cancelled') return new MeshError('provider_stopped', 'The volunteer stopped in the middle. Ask again.');
  if (!MEANINGS[code].provider)
    return new MeshError('bad_message', 'The volunteer failed at this question. Ask again.');
  const words = wellFormed(message).replaceAll(UNPRINTABLE, ' ').trim();
  return new MeshError(code, words === '' ? 'The volunteer failed at this question. Ask again.' : words);
}

/** Control characters, and those that change the direction of a text or hide in it. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu;

/** The answer so far cannot be handed to another provider. */
export function cannotGoOn(): MeshError {
  return new MeshError(
    'cannot_go_on',
    'The volunteer was lost, and the answer so far is too long for another one to continue. Ask for the rest in a new question.',
  );
}

/** The provider that was sought. */
export interface Sought {
  needs: Needs;
  /** Only these; null: any. */
  only: readonly PeerId[] | null;
  /** It should continue what others began. */
  begun: boolean;
}

/** Why no provider at all could be asked. */
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
