/** A conversation as web-llm takes it: at most one system prompt, then user and assistant in turn, the user last. */
import type { Turn } from '@llmesh/core/protocol';
import { plainTurns, type PlainTurn } from '@llmesh/core/syntax/plain-turns';

export interface MlcTurns {
  asked: PlainTurn[];
  /** The beginning of the answer, which the conversation ended in; empty: it did not. */
  begun: string;
}

export function mlcTurns(turns: readonly Turn[]): MlcTurns {
  const plain = plainTurns(turns, false);
  const last = plain.at(-1);
  if (last?.role === 'assistant') return { asked: folded(plain.slice(0, -1)), begun: last.content };
  return { asked: folded(plain), begun: '' };
}

/** Instructions that come later, or alone, are the user's words: the templates have no other place for them. */
function folded(plain: readonly PlainTurn[]): PlainTurn[] {
  const firstWords = plain.findIndex(({ role }) => role !== 'system');
  const folded: PlainTurn[] = [];
  for (const [i, { role, content }] of plain.entries()) {
    const speaker = role === 'system' && (firstWords === -1 || i > firstWords) ? 'user' : role;
    const before = folded.at(-1);
    if (before?.role === speaker) before.content += `\n\n${content}`;
    else folded.push({ role: speaker, content });
  }
  return folded;
}
