/** What is tried, and how each of it is checked. */
import { CHEATS, type Cheat } from '@llmesh/core/suites/cheats';
import type { ScoreMode } from '@llmesh/core/proof/score';
import type { File } from './answers.ts';

export const MODES: readonly ScoreMode[] = ['seed', 'greedy', 'likelihood'];

export interface Attack {
  attack: string;
  cheat: Cheat;
  cheap: File;
  mode: ScoreMode;
}

/** What a cheat does not do to every answer: the smaller model writes only this share of them. */
export const POLICIES = [
  { attack: 'cheating only newcomers', share: 0.2 },
  { attack: 'cheating only long answers', share: 1 / 3 },
  { attack: 'cheating only 30 %', share: 0.3 },
] as const;
export const SMALLER = 'smaller model';

const FILES: readonly { attack: string; file: File }[] = [
  { attack: SMALLER, file: 'small-q8' },
  { attack: 'coarser quant Q4', file: 'large-q4' },
  { attack: 'coarser quant Q2', file: 'large-q2' },
];

export function attacks(): Attack[] {
  const files = FILES.flatMap(({ attack, file }) =>
    MODES.map((mode) => ({ attack, cheat: CHEATS['cheaper model'], cheap: file, mode })),
  );
  const { 'cheaper model': _, ...others } = CHEATS;
  const rest = Object.entries(others).flatMap(([attack, cheat]) => {
    // Greedily, the same answer is the honest one, and there is nothing to choose among.
    const modes =
      attack === 'cached answer' || attack === 'pre-fill' ? (['seed'] as const) : (['seed', 'greedy'] as const);
    return modes.map((mode) => ({ attack, cheat, cheap: 'small-q8' as const, mode }));
  });
  return [...files, ...rest];
}
