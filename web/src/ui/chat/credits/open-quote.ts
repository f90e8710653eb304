/** What the next question of the open conversation costs at most. */
import { askedName } from '../../../state/offers.svelte.ts';
import { lengthOf } from '../../../state/chat/asking/asking.ts';
import type { Quote } from '../../../state/credits/account.svelte.ts';
import type { ChatPageState } from '../chat-page-state.ts';

/** null: it runs on this device, nobody has its model, or there are no credits here. */
export function openQuote({ chat, offers, credits }: Pick<ChatPageState, 'chat' | 'offers' | 'credits'>): Quote | null {
  const { scope, model, asking } = chat.open;
  if (scope === 'device' || model === null) return null;
  return credits.account.quote(offers.find(askedName(model)), lengthOf(asking));
}
