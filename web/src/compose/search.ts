/** Searching the conversations. Its code comes when somebody is about to search. */
import type { Clock } from '@llmesh/core/base/clock';
import { warn } from '../adapters/log.ts';
import type { Conversations } from '../state/chat/conversations.svelte.ts';
import type { Search } from '../state/chat/search/conversation-search.svelte.ts';
import { saidOf, type ShownTurn } from '../state/chat/turn.ts';
import { Part } from '../state/shell/part.svelte.ts';

const textOf = (turn: ShownTurn) =>
  turn.role === 'assistant' ? saidOf(turn) : [turn.text, ...(turn.files ?? []).map(({ name }) => name)].join('\n');

export function composeSearch(conversations: Conversations, clock: Clock): Search {
  const failed = (error: unknown) => warn('a conversation cannot be searched', error);
  const part = new Part(async () => {
    const { ConversationSearch } = await import('../state/chat/search/conversation-search.svelte.ts');
    return new ConversationSearch({
      list: () => conversations.list,
      texts: async (id) => (await conversations.turns(id)).map(({ turn }) => textOf(turn)),
      clock,
      failed,
    });
  });
  return {
    get reading() {
      return part.value?.reading ?? true;
    },
    // Asked for with each letter that is typed: what did not come is fetched again.
    prepare: () => part.open().then((search) => search.prepare(), failed),
    find: (query) => part.value?.find(query) ?? [],
    line: (id, query) => part.value?.line(id, query) ?? null,
  };
}
