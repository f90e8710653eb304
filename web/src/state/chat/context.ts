/** Which part of a conversation is sent along with a question. */
import { MAX_TURNS, type Turn } from '@llmesh/core/protocol';
import { mayReach, type Scope } from '../scope.ts';
import { saidOf, type ShownTurn } from './turn.ts';

/**
 * The turns that lead to the answer `answerId`, its question last. Left out: questions that got no word of an answer, those
 * asked within a narrower scope than this one, what models thought before they spoke, and with `alone` all before the last; of too many, the oldest.
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
    if (saidOf(turn) !== '' && mayReach(turn.scope, scope))
      context.push({ role: 'user', content: question }, { role: 'assistant', content: saidOf(turn) });
    question = null;
  }
  return [];
}

/** Is anything left out of a question within `scope`, because it was asked within a narrower one? */
export function holdsBack(turns: readonly ShownTurn[], scope: Scope): boolean {
  return turns.some((turn) => turn.role === 'assistant' && turn.text !== '' && !mayReach(turn.scope, scope));
}
