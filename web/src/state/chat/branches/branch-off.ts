/** Goes on from any turn in a conversation of its own, which begins with a copy of all that led there. */
import { newTaskId } from '@llmesh/core/base/ids';
import { aboutOf, rested } from '../carry/backup.ts';
import { recordsOf } from '../carry/talk-carrier.ts';
import type { Conversation } from '../conversation.svelte.ts';
import type { Conversations } from '../conversations.svelte.ts';
import { plain } from '../turn-list.svelte.ts';
import type { ShownTurn } from '../turn.ts';

/** Resolves with the id of the new conversation; null: it was not kept, or the turn is gone. */
export async function branchOff(
  conversations: Conversations,
  conversation: Conversation,
  turnId: string,
): Promise<string | null> {
  await conversation.whole();
  const talk = conversations.talk(conversation.id);
  const line = conversation.lineTo(turnId);
  if (talk === null || line.length === 0) return null;
  const id = newTaskId();
  const turns = line.map((turn): ShownTurn => {
    const { after: _, ...rest } = rested(plain(turn));
    return { ...rest, id: newTaskId() };
  });
  const now = conversations.now();
  const about = { ...aboutOf(talk), id, tip: null, pinned: false, created: now, updatedAt: now };
  return (await conversations.records.restore([recordsOf({ talk: about, turns })])) ? id : null;
}
