/** Puts what another program shared with the page into the box of a new conversation. It is sent when the person sends it. */
import { PAGES } from '@llmesh/core/wire/pages';
import type { Chat } from '../state/chat/chat.svelte.ts';
import { sharedIn } from '../sw/share.ts';

export function takeShared(chat: Chat): void {
  const text = sharedIn(location.hash);
  history.replaceState(null, '', PAGES.chat.path);
  if (text === null || text === '') return;
  chat.startNew();
  chat.draft = chat.draft === '' ? text : `${chat.draft}\n\n${text}`;
}
