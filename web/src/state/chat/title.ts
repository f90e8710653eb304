/** What a conversation is called: the beginning of its first question. */
import { shortened } from '../graphemes.ts';
import type { ShownTurn } from './turn.ts';

const LONGEST = 60;
/** Of one that its person gave, in UTF-16 units. */
export const MOST_TITLE = 200;

export function titleOf(turns: readonly ShownTurn[]): string {
  const first = turns.find((turn) => turn.role === 'user');
  return first === undefined ? 'New conversation' : titleFrom(first.text);
}

function titleFrom(question: string): string {
  return shortened(question.trim().split('\n', 1)[0] ?? '', LONGEST);
}
