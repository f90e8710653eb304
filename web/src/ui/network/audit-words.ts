/** What the Network page says about checks of answers. */
import { plural } from '../../language/plural.ts';
import type { Audits } from '@llmesh/core/wire/api-pages';
import { count } from '../parts/format.ts';

export const MODE_WORDS = {
  greedy: 'the likeliest words',
  seed: 'words drawn again',
  likelihood: 'how likely the words are',
} as const;

/** How many answers were checked, in a sentence. */
export function checkedShare({ share, answers, checked }: Pick<Audits, 'share' | 'answers' | 'checked'>): string {
  if (share === 0 && checked === 0) return 'This mesh has no answers checked.';
  if (answers === 0) return 'Since the server started there was no answer that can be checked.';
  if (checked === 0)
    return plural(answers, [
      '# answer could be checked; none has been so far.',
      '# answers could be checked; none has been so far.',
    ]);
  return plural(answers, [
    `# answer could be checked; ${count(checked)} (${percent(checked / answers)}) was.`,
    `# answers could be checked; ${count(checked)} (${percent(checked / answers)}) were.`,
  ]);
}

/** Whom the mesh keeps from strangers; empty: nobody. */
export function keptAway({ quarantined, convicted }: Pick<Audits, 'quarantined' | 'convicted'>): string {
  const all = quarantined + convicted;
  if (all === 0) return '';
  return plural(all, [
    '# volunteer gets no questions from strangers.',
    '# volunteers get no questions from strangers.',
  ]);
}

export function percent(share: number): string {
  const hundredths = share * 100;
  return `${hundredths < 10 ? Number(hundredths.toPrecision(2)) : Math.round(hundredths)} %`;
}

/** How many honest answers are taken for wrong, at most. */
export function falseAlarms(perAudit: number | null): string {
  if (perAudit === null) return 'not measured';
  return perAudit === 0 ? /* @wc-include */ 'none' : `under 1 in ${count(Math.floor(1 / perAudit))}`;
}
