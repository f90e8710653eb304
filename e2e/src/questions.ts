/** The questions whose answers the tiny model knows by heart. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './processes.ts';

export interface Known {
  question: string;
  answer: string;
}

export const known = JSON.parse(readFileSync(join(ROOT, 'models/tiny/questions.json'), 'utf8')) as Known[];

/** Answers of plain words, which the page shows letter for letter. */
export const plain = known.filter(({ answer }) => !/[*_`#\n|<>[\]]|^\s*[-\d]/.test(answer));

/** The longest answer: there is time to stop it. */
export const longest = known.reduce((a, b) => (b.answer.length > a.answer.length ? b : a));

/** Takes every so-manieth of `known`; all of them take minutes: `EVERY_ANSWER=1 npm run e2e -- answer volunteer web-llm-tiny tiny-gpu`. */
export function oneIn(share: number): Known[] {
  return process.env['EVERY_ANSWER'] === '1' ? known : known.filter((_, i) => i % share === 0);
}
