/** What the page says about a check: no more than was found, and what it means for the reader. */
import { plural } from '../../../language/plural.ts';
import { peerName } from '@llmesh/core/identity/names';
import type { AnswerCheck, Check } from '../../../state/chat/check/answer-check.ts';
import { writerOf, type Answer } from '../../../state/chat/turn.ts';
import { count } from '../../parts/format.ts';

export const FOUND: Record<Check['verdict'], string> = {
  agrees: /* @wc-include */ 'agrees',
  deviates: /* @wc-include */ 'deviates',
  unknown: 'could not tell',
};

export function meaningOf(check: AnswerCheck, answer: Answer): string {
  const model = answer.model?.name ?? 'the model';
  switch (check.verdict) {
    case 'asked':
      return 'This answer was drawn for a check. Others who have the same model are reading it; it takes a moment, and needs this page.';
    case 'agrees':
      return `These are the words of ${model}, as far as others who have the same file can tell.`;
    case 'deviates':
      return (
        `These are not the words that ${model} writes to this question. ${peerName(check.provider)} may run another model, or has a fault: ` +
        'a broken driver looks the same. If it matters, try again with somebody else.'
      );
    case 'unknown':
      return 'It was drawn for a check, and nobody could tell. That speaks neither for nor against the volunteer.';
    default:
      return check satisfies never;
  }
}

/** What was compared, and how sure that is, as they follow the verdict. */
export function factsOf({ verdict, tokens, log10E }: Check): string {
  const odds = verdict === 'deviates' ? oddsOf(log10E) : null;
  const facts = [
    tokens === null ? '' : plural(tokens, ['# token compared', '# tokens compared']),
    odds === null ? '' : `an honest volunteer looks like this ${odds}`,
  ];
  return facts.map((fact) => (fact === '' ? '' : ` · ${fact}`)).join('');
}

/** How seldom an honest volunteer looks like this, at most; null: often enough to mean nothing. */
export function oddsOf(log10E: number): string | null {
  if (log10E < 1) return null;
  const power = Math.floor(log10E);
  const times = Math.floor(10 ** (log10E - power)) * 10 ** power;
  return `at most once in ${times >= 1e9 ? 'a billion' : times === 1e6 ? 'a million' : count(times)} answers`;
}

/** The name of the file with the evidence. */
export function evidenceName(answer: Answer): string {
  const writer = writerOf(answer);
  return `llmesh-evidence${writer === null ? '' : `-${peerName(writer).replaceAll(/[^a-z0-9]+/gi, '-')}`}-${answer.id.slice(0, 8)}.bin`;
}
