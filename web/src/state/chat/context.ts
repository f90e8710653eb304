/** What of a conversation is sent along with a question. */
import { MAX_TURNS, type Turn } from '@llmesh/core/protocol';
import { mayReach, type Scope } from '../scope.ts';
import type { ShownTurn } from './turn.ts';

/**
 * The turns that lead to the answer `answerId`, its question last. Questions that got no word of an answer are left
 * out, and those that were meant for fewer than may run this one; with `alone` all before the last; the oldest go first
 * when there are too many.
 */
export function contextOf(turns: readonly ShownTurn[], answerId: string, alone: boolean): Turn[] {
  const context: Turn[] = [];
  const scope = turns.filter((turn) => turn.role === 'assistant').find(({ id }) => id === answerId)?.scope;
  if (scope === undefined) return [];
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
    if (turn.text !== '' && mayReach(turn.scope, scope))
      context.push({ role: 'user', content: question }, { role: 'assistant', content: turn.text });
    question = null;
  }
  return [];
}

/** Is there something that a question to those of `scope` goes without, because it was meant for fewer? */
export function holdsBack(turns: readonly ShownTurn[], scope: Scope): boolean {
  return turns.some((turn) => turn.role === 'assistant' && turn.text !== '' && !mayReach(turn.scope, scope));
}
