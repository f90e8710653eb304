/** How an honest visitor fared before and during an attack. */
import { inWords } from './attack.ts';
import type { Program } from './program.ts';

export interface Felt {
  questions: number;
  unanswered: string[];
  firstWordP95Ms: number;
  healthzMaxMs: number;
}

/** Sums up what the visitor printed from line `from` on. */
export function felt(visitor: Program, from = 0, to = visitor.lines.length): Felt {
  const lines = visitor.lines.slice(from, to);
  const numbers = (field: string) => lines.map((line) => line[field]).filter((value) => typeof value === 'number');
  const words = numbers('firstWordMs').toSorted((a, b) => a - b);
  return {
    questions: words.length,
    unanswered: lines
      .filter((line) => 'unanswered' in line)
      .map((line) => `${inWords(line['unanswered'])}: ${inWords(line['message'])}`),
    firstWordP95Ms: words[Math.min(words.length - 1, Math.floor(0.95 * words.length))] ?? Number.POSITIVE_INFINITY,
    healthzMaxMs: Math.max(0, ...numbers('healthzMs')),
  };
}
