/** One line of an answer, as far as it matters for where a block ends. */

export interface Line {
  from: number;
  /** After its line break, or the end of the text. */
  end: number;
  /** Its line break has come, or nothing more will. */
  whole: boolean;
  /** Blanks before its first character; a tab reaches to the next multiple of four. */
  indent: number;
  /** Where its first character stands. */
  at: number;
  blank: boolean;
}

const LIST = /(?:[-+*]|\d{1,9}[.)])(?=[ \t\n]|$)/y;
const FENCE = /(`{3,}|~{3,})([^\n]*)/y;
const NESTED = /(?:>|[-+*](?=[ \t])|\d{1,9}[.)](?=[ \t]))[ \t]*/y;
const MARKS = /\[|[*_`~\]!<$\\&@|]+|https?:|www\./g;

export function lineAt(text: string, from: number, ended: boolean): Line {
  const newline = text.indexOf('\n', from);
  const end = newline === -1 ? text.length : newline + 1;
  let indent = 0;
  let at = from;
  for (; at < end; at++) {
    const char = text.charCodeAt(at);
    if (char === 32) indent += 1;
    else if (char === 9) indent += 4 - (indent % 4);
    else if (char !== 10 && char !== 13) break;
  }
  return { from, end, whole: newline !== -1 || ended, indent, at, blank: at >= end };
}

/** The sort of list that an item on this line would belong to, and where its text begins; null if there is none. */
export function itemOn(text: string, line: Line): { sort: string; offset: number } | null {
  const mark = sticky(LIST, text, line.at)?.[0];
  if (mark === undefined) return null;
  const after = text.slice(line.at + mark.length, Math.min(line.end, line.at + mark.length + 5));
  const blanks = /^[ \t]*/.exec(after)![0].length;
  // Text that stands far from its mark is code in the item.
  return { sort: mark.at(-1)!, offset: line.indent + mark.length + (blanks >= 1 && blanks <= 4 ? blanks : 1) };
}

/** The fence that code begins with, and what is said about the code; null if this line is none. */
export function fenceOn(text: string, line: Line): { fence: string; info: string } | null {
  const found = sticky(FENCE, text, line.at);
  if (found === null) return null;
  const [, fence = '', info = ''] = found;
  return fence.startsWith('`') && info.includes('`') ? null : { fence, info: info.trim() };
}

/** The marks at the beginning of a line that each open a quotation or a list within the one before. */
export function nestingOn(text: string, line: Line, most: number): number {
  let count = 0;
  for (let at = line.at; count <= most; count++) {
    const mark = sticky(NESTED, text, at)?.[0];
    if (mark === undefined) break;
    at += mark.length;
  }
  return count;
}

/** How often the parser may have to look ahead. */
export function marksOn(text: string, line: Line): number {
  return text.slice(line.at, line.end).match(MARKS)?.length ?? 0;
}

/** Whether the line has a word of more than `most` characters. */
export function hasLongWord(text: string, line: Line, most: number): boolean {
  let since = line.at;
  for (let at = line.at; at < line.end; at++) {
    if (text.charCodeAt(at) > 32) continue;
    if (at - since > most) return true;
    since = at + 1;
  }
  return line.end - since > most;
}

function sticky(pattern: RegExp, text: string, at: number): RegExpExecArray | null {
  pattern.lastIndex = at;
  return pattern.exec(text);
}
