/** Which part of a conversation is sent along with a question. */
import type { Turn } from '@llmesh/core/protocol';
import { firstTurns, memoryBeside, type Asking } from './asking/asking.ts';
import { promptOf } from './files/question-file.ts';
import { mayReach, type Scope } from '../scope.ts';
import { windowOf, type Exchange, type Memory } from './context/window.ts';
import { saidOf, type Question, type ShownTurn } from './turn.ts';

/**
 * The turns that lead to the answer `answerId`, its question last, after what the model is told first. Left out: questions that got no
 * word of an answer, those asked within a narrower scope than this one, what models thought before they spoke, and the oldest that
 * the model has no room for.
 */
export function contextOf(
  turns: readonly ShownTurn[],
  answerId: string,
  memory: Memory,
  asking: Asking | null = null,
): Turn[] {
  const at = turns.findLastIndex(({ id }) => id === answerId);
  const answer = turns[at];
  if (answer?.role !== 'assistant') return [];
  const all = exchangesOf(turns.slice(0, at + 1), answer.scope);
  const last = all.at(-1);
  if (last === undefined) return [];
  // What there is of it is not sent as a turn, but continued.
  const asked = { ...last, said: '' };
  const exchanges = [...all.slice(0, -1), asked];
  const { first } = windowOf(exchanges, memoryBeside(memory, asking), answer.text === '' ? 0 : answer.tokens);
  const sent = exchanges
    .slice(first)
    .flatMap(({ question, said }) => [
      { role: 'user' as const, content: question },
      ...(said === '' ? [] : [{ role: 'assistant' as const, content: said }]),
    ]);
  return [...firstTurns(asking), ...sent];
}

/** Questions and their answers, as they would be sent within `scope`. The last is there whether or not it has an answer. */
export function exchangesOf(turns: readonly ShownTurn[], scope: Scope): Exchange[] {
  const exchanges: Exchange[] = [];
  const last = turns.length - 1;
  let asked: Question | null = null;
  for (const [i, turn] of turns.entries()) {
    if (turn.role === 'user') {
      asked = turn;
      continue;
    }
    if (asked === null) continue;
    const said = mayReach(turn.scope, scope) ? saidOf(turn) : '';
    if (said !== '' || i === last) exchanges.push({ id: asked.id, question: promptOf(asked), said });
    asked = null;
  }
  return exchanges;
}

/** Is anything left out of a question within `scope`, because it was asked within a narrower one? */
export function holdsBack(turns: readonly ShownTurn[], scope: Scope): boolean {
  // The scope first: a word more in the answer that is being written is no reason to look again.
  return turns.some((turn) => turn.role === 'assistant' && !mayReach(turn.scope, scope) && turn.text !== '');
}
