/** What a provider's failure means for the answer, and for the provider. */
import { inWords, needsOf, type Demand } from './abilities.ts';
import { MeshError, type ErrorCode } from './errors.ts';
import type { AskRequest } from './requester.ts';

/** Another provider may do better; any other error is about the request itself. */
const WORTH_ANOTHER: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'busy',
  'connect_failed',
  'provider_lost',
  'provider_stopped',
  'engine_failed',
  'device_lost',
  'out_of_memory',
  'unknown_model',
  'bad_message',
  'message_too_large',
  'version_mismatch',
  'rate_limited',
  'seal_failed',
  'seal_broken',
  'wrong_peer',
  'lease_refused',
  'control_unreachable',
  'receipt_refused',
  'unsupported',
]);
/** Of these, such as say nothing against the provider. */
const NO_FAULT: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'busy',
  'provider_stopped',
  'unknown_model',
  'control_unreachable',
  'unsupported',
  // The question's own.
  'bad_schema',
]);

export function isWorthAnother({ code }: MeshError): boolean {
  return WORTH_ANOTHER.has(code);
}

/** Does it count against the provider? */
export function isFault({ code }: MeshError): boolean {
  return !NO_FAULT.has(code);
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
