/** What a conversation is called: the beginning of its first question. */
import type { ShownTurn } from './turn.ts';

const LONGEST = 60;

export function titleOf(turns: readonly ShownTurn[]): string {
  const first = turns.find((turn) => turn.role === 'user');
  return first === undefined ? 'New conversation' : titleFrom(first.text);
}

function titleFrom(question: string): string {
  const line = question.trim().split('\n', 1)[0] ?? '';
  return line.length <= LONGEST ? line : `${line.slice(0, LONGEST - 1).trimEnd()}…`;
}
