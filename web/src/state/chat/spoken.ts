/** What of an answer is thought, and what is said. */
import { AnswerReader } from '@llmesh/core/syntax/answer-reader';
import { PLAIN, syntaxOf } from '@llmesh/core/syntax/syntaxes';
import type { Answer } from './turn.ts';

export interface Spoken {
  thoughts: string;
  said: string;
}

/** The reader of an answer in this syntax, which was told with its first piece. A kept one of a newer page is shown as it is. */
export function readerOf(syntax: string | null | undefined): AnswerReader {
  return new AnswerReader(syntaxOf(syntax ?? undefined) ?? PLAIN);
}

export function spokenOf({ text, syntax }: Pick<Answer, 'text' | 'syntax'>): Spoken {
  const reader = readerOf(syntax);
  const spoken: Spoken = { thoughts: '', said: '' };
  for (const part of [...reader.push(text), ...reader.end()]) {
    if (part.type === 'thought') spoken.thoughts += part.text;
    else if (part.type === 'said') spoken.said += part.text;
  }
  return spoken;
}
