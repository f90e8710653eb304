/** What the page says of an answer: who writes it, and why it failed. */
import type { MeshError } from '@llmesh/core/base/errors';
import { peerName } from '@llmesh/core/identity/names';
import { writerOf, type Answer } from './turn.ts';

/** Says what went wrong, and what to do next. */
export function failureOf(answer: Answer, error: MeshError): string {
  if (error.code !== 'provider_lost' && error.code !== 'provider_stopped') return error.message;
  const writer = writerName(answer);
  if (error.code === 'provider_lost')
    return answer.text === ''
      ? `${writer} left before the first word. Try again?`
      : `${writer} left. What you have is kept.`;
  return answer.text === ''
    ? `${writer} stopped donating before the first word. Try again?`
    : `${writer} stopped donating. What you have is kept.`;
}

/** The writer's name, as far as it is known. */
export function writerName(answer: Answer): string {
  if (answer.scope === 'device') return 'This device';
  const writer = writerOf(answer);
  return writer === null ? 'The volunteer' : peerName(writer);
}
