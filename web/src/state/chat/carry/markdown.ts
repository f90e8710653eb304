/** A conversation as Markdown, as people paste it elsewhere: the branch that is shown. */
import { lineOf } from '../branches/branches.ts';
import { promptOf } from '../files/question-file.ts';
import { saidOf, type Answer } from '../turn.ts';
import type { CarriedTalk } from './carried-talk.ts';

export function asMarkdown({ talk, turns }: CarriedTalk): string {
  const parts = [`# ${oneLine(talk.title)}`, `_${new Date(talk.updatedAt).toISOString().slice(0, 10)}_`];
  for (const turn of lineOf(turns, talk.tip)) {
    if (turn.role === 'user') parts.push('## You', promptOf(turn));
    else if (saidOf(turn) !== '') parts.push(`## ${oneLine(writerName(turn))}`, saidOf(turn));
  }
  return `${parts.map((part) => part.trim()).join('\n\n')}\n`;
}

/** A heading ends with its line, and characters that mean something in one stand for themselves. */
function oneLine(text: string): string {
  return text.replaceAll(/\s+/g, ' ').replaceAll(/[\\`*_[\]<>#]/g, String.raw`\$&`);
}

/** Which model wrote an answer. */
function writerName({ model, foreign }: Pick<Answer, 'model' | 'foreign'>): string {
  return foreign ?? model?.name ?? 'Answer';
}
