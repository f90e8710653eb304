/** One of several texts in a grammar: a common beginning is written once, so that no two are followed side by side. */
import { choice, optional, text, type Row } from './grammar.ts';

interface Fork {
  /** Whether one of the texts ends here. */
  ends: boolean;
  /** The other texts by their next character, each from where they begin to differ. */
  branches: { begin: string; texts: string[][]; from: number }[];
}

/** The row for one of `texts`. */
export function oneOf(texts: readonly string[]): Row {
  const all = distinct(texts);
  const { branches } = fork(all, 0);
  const [only] = branches;
  // A quote that is all they share is not worth a group of its own.
  if (only === undefined || branches.length > 1 || only.from > 1) return written(all, 0);
  const inside = fork(all, only.from);
  return inside.ends || all.length === 1 ? written(all, 0) : written(all, only.from, 0);
}

/** How many of the texts can be followed at once, at most. */
export function waysOf(texts: readonly string[]): number {
  return widest(distinct(texts), 0);
}

function distinct(texts: readonly string[]): string[][] {
  return [...new Set(texts)].map((text) => Array.from(text));
}

/** Writes texts that share their first `from` characters, beginning with the character at `start`. */
function written(texts: readonly string[][], from: number, start = from): Row {
  const { ends, branches } = fork(texts, from);
  const shared = texts[0]?.slice(start, from).join('') ?? '';
  const ways = branches.map(({ begin, texts: alike, from: parting }): Row => {
    return [text(shared + begin), ...(alike.length === 1 ? [] : written(alike, parting))];
  });
  if (ways.length === 0) return [text('')];
  if (ends) return [optional(choice(...ways))];
  return ways.length === 1 ? ways.flat() : [choice(...ways)];
}

function widest(texts: readonly string[][], from: number): number {
  const { ends, branches } = fork(texts, from);
  const inside = branches.map((branch) => (branch.texts.length === 1 ? 1 : widest(branch.texts, branch.from)));
  return Math.max(branches.length + (ends ? 1 : 0), ...inside);
}

/** `texts` have their first `from` characters in common. */
function fork(texts: readonly string[][], from: number): Fork {
  const byNext = new Map<string, string[][]>();
  for (const text of texts) {
    const next = text[from];
    const alike = next === undefined ? undefined : byNext.get(next);
    if (alike !== undefined) alike.push(text);
    else if (next !== undefined) byNext.set(next, [text]);
  }
  const branches = [...byNext.values()].map((alike) => {
    const [one = []] = alike;
    let to = from + 1;
    while (to < one.length && alike.every((text) => text[to] === one[to])) to += 1;
    return { begin: one.slice(from, to).join(''), texts: alike, from: to };
  });
  return { ends: texts.some((text) => text.length === from), branches };
}
