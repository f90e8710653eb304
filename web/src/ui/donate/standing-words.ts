/** What the page says to a volunteer about checks of their answers. */
import { plural } from '../../language/plural.ts';
import type { Level } from '@llmesh/core/wire/audit-messages';
import type { Standings } from '../../state/donate/standings.svelte.ts';
import { count } from '../parts/format.ts';

/** "Your answers: 41 checked, all matched the model." */
export function checkedWords({ checked, agreed }: Pick<Standings, 'checked' | 'agreed'>): string {
  if (agreed === checked)
    return plural(checked, [
      'Your answers: # checked, it matched the model.',
      'Your answers: # checked, all matched the model.',
    ]);
  return `Your answers: ${count(checked)} checked, ${count(agreed)} matched the model.`;
}

/** What a level means for whoever lends, as a heading. */
export const LEVEL_WORDS: Record<Exclude<Level, 'good'>, string> = {
  suspected: 'Some of your answers don’t match the model',
  quarantined: 'You get no questions from strangers for now',
  convicted: 'This computer no longer gets questions from strangers',
};

/** What whoever lends may have done about it. */
export const ORDER_WORDS = {
  appeal: { action: 'Appeal', done: 'You have appealed. Five others check the answer again.' },
  retest: {
    action: 'Test again',
    done: 'Others will ask this computer some questions, and its next answers are all checked.',
  },
} as const;
