/** What the page says about a question, or the rest of an answer, that waits until it can be asked. */
import type { ChatPageState } from '../chat-page-state.ts';
import type { Answer } from '../../../state/chat/turn.ts';

export function waitingWords(answer: Answer, { trusted, local }: ChatPageState): { head: string; next: string } {
  const sent = answer.text === '' ? 'It is sent' : 'It continues';
  const model = answer.model?.name ?? 'a model';
  switch (answer.why) {
    case 'network':
      return { head: 'You are offline', next: `${sent} when the network is back.` };
    case 'mesh':
      return { head: 'The mesh does not answer yet', next: `${sent} when it does.` };
    case 'trusted':
      return trusted.list.length === 0
        ? {
            head: 'You trust nobody yet',
            next: `Trust a volunteer under an answer or on Network. ${sent} when they lend it.`,
          }
        : {
            head: `Nobody you trust has ${model} right now`,
            next: `${sent} when one of them comes, and to nobody else.`,
          };
    case 'busy':
      return { head: `All who have ${model} are busy`, next: `${sent} when one of them is free.` };
    case 'device':
      return local.known
        ? {
            head: 'This device has no model for it',
            next: 'It is asked here when one is known: the list of models comes with a connection.',
          }
        : { head: 'Finding out what this device can run', next: 'It is asked here in a moment.' };
    default:
      return {
        head: answer.model === null ? 'Nobody lends a model right now' : `Nobody has ${model} right now`,
        next: `${sent} when somebody comes.`,
      };
  }
}
