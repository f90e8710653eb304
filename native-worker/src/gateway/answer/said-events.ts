/** A choice that was written as events that say the same, for words that are made of events. */
import type { Said } from './answer-words.ts';
import type { ChoiceEvent } from './choice-event.ts';

export function* saidEvents(said: Said | undefined, model: string): Generator<Exclude<ChoiceEvent, { type: 'end' }>> {
  if (said === undefined) return;
  const { thoughts, text, logprobs, calls } = said;
  if (thoughts !== '') yield { type: 'thought', index: 0, text: thoughts, model };
  if (text !== '') yield { type: 'text', index: 0, text, logprobs, model };
  for (const [call, { id, name, arguments: json }] of calls.entries()) {
    yield { type: 'call', index: 0, call, id, name, model };
    yield { type: 'arguments', index: 0, call, text: json, model };
  }
}
