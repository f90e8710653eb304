/** Answers that were written for a benchmark, one a line: whoever ends it early goes on where it was. */
import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';

export interface AnswerFile<T> {
  /** Those that are there already. */
  readonly lines: T[];
  add(line: T): void;
}

/** Lines that were written under another heading are discarded, as is a last one that was cut off. Null: nothing is kept. */
export function answerFile<T>(path: string | null, heading: object): AnswerFile<T> {
  const lines: T[] = [];
  if (path === null) return { lines, add: (line) => void lines.push(line) };
  const head = JSON.stringify(heading);
  const [first, ...rest] = existsSync(path) ? readFileSync(path, 'utf8').split('\n') : [];
  // Behind the last line break there is nothing, or a line that was not finished.
  const kept = first === head ? rest.slice(0, -1) : [];
  lines.push(...kept.map((line) => JSON.parse(line) as T));
  writeFileSync(path, [head, ...kept].map((line) => `${line}\n`).join(''));
  const add = (line: T) => {
    lines.push(line);
    appendFileSync(path, `${JSON.stringify(line)}\n`);
  };
  return { lines, add };
}
