/** The line of a text in which something was found, short enough for a list. */
import { fold } from './fold.ts';

export interface FoundLine {
  before: string;
  match: string;
  after: string;
}

const MOST_BEFORE = 24;
const MOST_AFTER = 120;
const graphemes = new Intl.Segmenter(undefined, { granularity: 'grapheme' });

/** `at`: where it begins in the folded text. */
export function foundLine(text: string, folded: string, at: number, word: string): FoundLine {
  let line = 0;
  for (let from = folded.indexOf('\n'); from !== -1 && from < at; from = folded.indexOf('\n', from + 1)) line += 1;
  const start = folded.lastIndexOf('\n', at - 1) + 1;
  return cut(lineOf(text, line), at - start, word.length);
}

function lineOf(text: string, number: number): string {
  let start = 0;
  for (let i = 0; i < number; i++) start = text.indexOf('\n', start) + 1;
  const end = text.indexOf('\n', start);
  return text.slice(start, end === -1 ? undefined : end);
}

function cut(line: string, at: number, length: number): FoundLine {
  const [from, to] = unfolded(line, at, length);
  const shown = line.slice(Math.max(0, from - MOST_BEFORE), to + MOST_AFTER);
  const offset = Math.max(0, from - MOST_BEFORE);
  // What begins or ends in the middle of a character is left out.
  const starts = [...graphemes.segment(shown)].map(({ index }) => index + offset);
  const first = offset === 0 ? 0 : (starts[1] ?? offset);
  const last = offset + shown.length === line.length ? line.length : (starts.at(-1) ?? line.length);
  return {
    before: `${offset > 0 ? '…' : ''}${line.slice(Math.min(first, from), from)}`,
    match: line.slice(from, to),
    after: line.slice(to, Math.max(to, last)),
  };
}

/** Where a place of the folded line is in the line itself: folding may change lengths. */
function unfolded(line: string, at: number, length: number): [from: number, to: number] {
  if (fold(line).length === line.length) return [at, at + length];
  let foldedAt = 0;
  let from = line.length;
  for (const { segment, index } of graphemes.segment(line)) {
    const next = foldedAt + fold(segment).length;
    if (foldedAt <= at && next > at) from = index;
    if (next >= at + length) return [from, index + segment.length];
    foldedAt = next;
  }
  return [from, line.length];
}
