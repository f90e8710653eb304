import type { Answer } from '../turn.ts';

/** Which model wrote an answer, as a file names it. */
export function writerName({ model, foreign }: Pick<Answer, 'model' | 'foreign'>): string {
  return foreign ?? model?.name ?? 'Answer';
}
