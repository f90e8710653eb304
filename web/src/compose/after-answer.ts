/** What comes after an answer: whoever looks elsewhere is told, and the conversation gets a title. */
import { tellEnded } from '../adapters/answer-notice.ts';
import type { Chat } from '../state/chat/chat.svelte.ts';
import { entitle, type TitlingNeeds } from '../state/chat/titling/titling.ts';
import type { Answer } from '../state/chat/turn.ts';
import type { Settings } from '../state/settings.svelte.ts';

export interface AfterAnswerNeeds extends TitlingNeeds {
  chat: Chat;
  settings: Settings;
}

/** Rejects where the title could not be asked for. */
export async function afterAnswer(talk: string, answer: Answer, needs: AfterAnswerNeeds): Promise<void> {
  const { chat, conversations, settings } = needs;
  const isDone = answer.state === 'done' || answer.state === 'failed';
  if (document.hidden && isDone) {
    await tellEnded(conversations.talk(talk)?.title ?? '', settings.notify, () => void chat.show(talk));
  }
  await entitle(talk, answer, needs, new AbortController().signal);
}
