/** What of a conversation is sent along with a question. */
import { MAX_TURNS, type Turn } from '@llmesh/core/protocol';
import type { ShownTurn } from './turn.ts';

/**
 * The turns that lead to the answer `answerId`, its question last. Questions that got no word of an answer are left
 * out, with `alone` all before the last; the oldest go first when there are too many.
 */
export function contextOf(turns: readonly ShownTurn[], answerId: string, alone: boolean): Turn[] {
  const context: Turn[] = [];
  let question: string | null = null;
  for (const turn of turns) {
    if (turn.role === 'user') {
      question = turn.text;
      continue;
    }
    if (question === null) continue;
    if (turn.id === answerId) {
      const before = alone ? [] : context.slice(-(MAX_TURNS - 2));
      return [...before, { role: 'user', content: question }];
    }
    if (turn.text !== '') context.push({ role: 'user', content: question }, { role: 'assistant', content: turn.text });
    question = null;
  }
  return [];
}
