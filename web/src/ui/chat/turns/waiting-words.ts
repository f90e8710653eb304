/** What the page says about a question, or the rest of an answer, that waits until it can be asked. */
import type { ChatPageState } from '../chat-page-state.ts';
import { whyNone, whyNot } from '../../../state/device/no-model.ts';
import type { Answer } from '../../../state/chat/turn.ts';

export function waitingWords(
  answer: Answer,
  { trusted, local, device }: ChatPageState,
): { head: string; next: string } {
  const sent = answer.text === '' ? 'It will be sent' : 'It will continue';
  const model = answer.model?.name ?? /* @wc-include */ 'a model';
  switch (answer.why) {
    case 'network':
      return { head: 'You are offline', next: `${sent} when you’re back online.` };
    case 'mesh':
      return { head: 'Can’t reach the mesh yet', next: `${sent} once you’re connected.` };
    case 'trusted':
      return trusted.list.length === 0
        ? {
            head: 'You don’t trust anyone yet',
            next: `Trust a volunteer under an answer or on Network. ${sent} when they offer it.`,
          }
        : {
            head: `Nobody you trust has ${model} right now`,
            next: `${sent} when one of them comes online, and to nobody else.`,
          };
    case 'busy':
      return { head: `Everyone who has ${model} is busy`, next: `${sent} when one of them is free.` };
    case 'device':
      return deviceWords(answer, device, local.known);
    default:
      return {
        head:
          answer.model === null
            ? 'No volunteer is offering a model right now'
            : answer.model.adapter
              ? `Nobody has ${model} and takes adapters right now`
              : `Nobody has ${model} right now`,
        next: `${sent} when a volunteer comes online.`,
      };
  }
}

function deviceWords(
  { model }: Answer,
  device: ChatPageState['device'],
  known: boolean,
): { head: string; next: string } {
  if (!known) return { head: 'Finding out what this device can run', next: 'It will be answered here in a moment.' };
  if (device.choices.length === 0 && device.trouble === null) {
    return {
      head: 'This device has no model for it',
      next: 'It will be answered here once the list of models arrives, which needs a connection.',
    };
  }
  const why = model === null ? whyNone(device) : whyNot(model.id, device);
  return { head: 'This device cannot answer it', next: why.message };
}
