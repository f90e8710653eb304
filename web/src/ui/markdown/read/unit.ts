/**
 * Splits an answer into pieces that are parsed one by one: a finished piece never changes again, so that the work on an
 * answer grows with its length, and not with its length times its words. Each piece is small, or is not parsed at all.
 */
import {
  FORMULA_CHARS,
  HARD_CHARS,
  HARD_MARKS,
  LINE_CHARS,
  MAX_NESTING,
  SOFT_CHARS,
  SOFT_LINES,
  SOFT_MARKS,
  WORD_CHARS,
} from './limits.ts';
import { fenceOn, hasLongWord, itemOn, lineAt, marksOn, nestingOn, type Line } from './line.ts';
import { PIECE_CHARS, pieceEnd } from './piece.ts';

export interface Unit {
  /**
   * `code` and `formula`: without their marks. `markdown`: for the parser. `plain`: too much for the parser. `source`: a
   * formula whose end has not come.
   */
  kind: 'markdown' | 'plain' | 'code' | 'formula' | 'source';
  text: string;
  language: string;
  /** Where the next one begins. */
  end: number;
  /** More text cannot change it. */
  closed: boolean;
  /** The head of the table that was cut here, for the rows to come. */
  head: string;
}

const FORMULA = /(\$\$|\\\[)/y;
const CLOSES: Record<string, string> = { $$: '$$', '\\[': '\\]' };
const TABLE_RULE = /^ {0,3}\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*\|?[ \t]*\r?\n?$/;
const NOTE = /\[\^[^\]\s]{1,40}\]:/y;
/** A line that has so much is not only the beginning of a mark. */
const TELLING_CHARS = 16;

/** The piece that begins at `from`, or null if there is only blank space. `ended`: no more text comes. `head`: see `Unit`. */
export function unitAt(text: string, from: number, ended: boolean, head = ''): Unit | null {
  const start = lineStart(text, from, skipBlank(text, from));
  const first = lineAt(text, start, ended);
  if (first.blank) return null;
  if (first.indent < 4) {
    const fenced = codeAt(text, first, ended) ?? formulaAt(text, first, ended);
    if (fenced !== null) return fenced;
  }
  return textAt(text, first, ended, start === from ? head : '');
}

function codeAt(text: string, first: Line, ended: boolean): Unit | null {
  const opened = fenceOn(text, first);
  if (opened === null) return null;
  const { fence, info } = opened;
  const language = info.split(/\s/, 1)[0]!.toLowerCase().slice(0, 40);
  const of = (to: number, end: number, closed: boolean): Unit => {
    const body = text.slice(first.end, Math.max(first.end, to));
    return {
      kind: 'code',
      text: first.indent === 0 ? body : outdented(body, first.indent),
      language,
      end,
      closed,
      head: '',
    };
  };
  for (let at = first.end - 1; ; at += 1) {
    at = text.indexOf(fence, at);
    if (at === -1) break;
    const line = lineAt(text, text.lastIndexOf('\n', at) + 1, ended);
    const closing = line.at === at && line.indent < 4 && line.from >= first.end;
    if (closing && isOnly(text, line, fence[0]!)) return of(line.from - 1, line.end, line.whole);
    at = line.end - 1;
  }
  return of(text.endsWith('\n') ? text.length - 1 : text.length, text.length, ended);
}

function formulaAt(text: string, first: Line, ended: boolean): Unit | null {
  FORMULA.lastIndex = first.at;
  const opening = FORMULA.exec(text)?.[1];
  if (opening === undefined) return null;
  const begin = first.at + opening.length;
  const near = text.slice(begin, begin + FORMULA_CHARS);
  const length = near.indexOf(CLOSES[opening]!);
  if (length === -1) {
    if (ended || near.length === FORMULA_CHARS) return null;
    return { kind: 'source', text: text.slice(first.at), language: '', end: text.length, closed: false, head: '' };
  }
  if (near.slice(0, length).trim() === '') return null;
  const last = lineAt(text, begin + length + 2, ended);
  // Words stand after it on its line: it is part of a paragraph.
  if (!last.blank) return null;
  return { kind: 'formula', text: near.slice(0, length), language: '', end: last.end, closed: last.whole, head: '' };
}

function textAt(text: string, first: Line, ended: boolean, head: string): Unit {
  const long = longLine(text, first, head);
  if (long !== null) return long;
  const list = itemOn(text, first);
  const quoted = text[first.at] === '>';
  const indented = first.indent >= 4 && list === null;
  let offset = list?.offset ?? 0;
  let tableHead = head;
  let marks = 0;
  let lines = 0;
  let deep = false;
  let inFence = false;
  const levels: number[] = [];
  const unit = (end: number, closed: boolean, plain = false, carried = ''): Unit => {
    const kind = plain || deep || marks > HARD_MARKS ? 'plain' : 'markdown';
    if (kind === 'plain' && end - first.from > PIECE_CHARS) return plainAt(text, first.from, end);
    return {
      kind,
      text: (kind === 'plain' ? '' : head) + text.slice(first.from, end),
      language: '',
      end,
      closed,
      head: carried,
    };
  };

  for (let line = first; ;) {
    lines += 1;
    marks += marksOn(text, line);
    deep ||= nestingOn(text, line, MAX_NESTING) > MAX_NESTING || hasLongWord(text, line, WORD_CHARS);
    if (list !== null) deep ||= levelsAt(levels, text, line) > MAX_NESTING;
    if (quoted && /^[> \t]*(?:```|~~~)/.test(text.slice(line.from, line.from + 80))) inFence = !inFence;
    if (lines === 2 && head === '' && TABLE_RULE.test(text.slice(line.from, line.end)))
      tableHead = text.slice(first.from, line.end);

    if (line.end >= text.length) return unit(line.end, ended);
    const size = line.end - first.from;
    if (size > HARD_CHARS) return unit(line.end, true, true);
    const next = lineAt(text, lineStart(text, line.end, skipBlank(text, line.end)), ended);
    const parted = next.from > line.end;
    // Only blank space so far.
    if (next.blank) return unit(text.length, ended);
    const known = next.whole || next.end - next.at >= TELLING_CHARS;
    const item = next.indent < 4 || list !== null ? itemOn(text, next) : null;
    const inItem = list !== null && (next.indent >= offset || (next.indent >= 2 && item !== null));
    const goesOn = list !== null && (inItem || item?.sort === list.sort);
    if (parted && !goesOn && !(indented && next.indent >= 4))
      return known ? unit(next.from, true) : unit(text.length, false);
    const interrupts = list === null && item !== null && isFilled(text, next, item);
    if (!inItem && next.indent < 4 && known && (interrupts || begins(text, next))) return unit(next.from, true);
    if (item !== null && !inItem) offset = item.offset;

    const full = size > SOFT_CHARS || lines >= SOFT_LINES || marks > SOFT_MARKS;
    const atItem = list === null ? !inFence : item !== null && !inItem;
    if (full && atItem && known) return unit(next.from, true, false, lines > 2 && !parted ? tableHead : '');
    if (next.end - next.from > LINE_CHARS) return unit(next.from, true, list !== null && !atItem);
    line = next;
  }
}

/** One line that is too long for the parser, piece by piece. */
function longLine(text: string, first: Line, head: string): Unit | null {
  if (first.end - first.from <= LINE_CHARS) return null;
  const { end, clean } = pieceEnd(text, first.from, PIECE_CHARS);
  const deep =
    marksOn(text, { ...first, end }) > HARD_MARKS ||
    nestingOn(text, first, MAX_NESTING) > MAX_NESTING ||
    hasLongWord(text, { ...first, end }, WORD_CHARS);
  const plain = deep || !clean || head !== '';
  return {
    kind: plain ? 'plain' : 'markdown',
    text: text.slice(first.from, end),
    language: '',
    end,
    closed: true,
    head: '',
  };
}

/** The first part of a piece that is shown as it was written. */
function plainAt(text: string, from: number, most: number): Unit {
  const end = Math.min(most, pieceEnd(text, from, PIECE_CHARS).end);
  return { kind: 'plain', text: text.slice(from, end), language: '', end, closed: true, head: '' };
}

/** How many lists the line stands in. `levels`: where their marks stand. */
function levelsAt(levels: number[], text: string, line: Line): number {
  if (itemOn(text, line) === null) return levels.length;
  while (levels.length > 0 && levels.at(-1)! >= line.indent) levels.pop();
  levels.push(line.indent);
  return levels.length;
}

/** Whether the line begins something that ends a paragraph, and is read by itself. */
function begins(text: string, line: Line): boolean {
  NOTE.lastIndex = line.at;
  FORMULA.lastIndex = line.at;
  return fenceOn(text, line) !== null || NOTE.test(text) || FORMULA.test(text);
}

/** Only such an item ends a paragraph: others may be its words. */
function isFilled(text: string, line: Line, { sort }: { sort: string }): boolean {
  const [mark = '', rest = ''] = text
    .slice(line.at, Math.min(line.end, line.at + 64))
    .trimEnd()
    .split(/[ \t]+/, 2);
  return rest !== '' && (sort === mark || mark.slice(0, -1) === '1');
}

function isOnly(text: string, line: Line, char: string): boolean {
  let at = line.at;
  while (text[at] === char) at += 1;
  return text.slice(at, line.end).trim() === '';
}

/** Code that stands in by as much as its fence does. */
function outdented(body: string, indent: number): string {
  return body.replaceAll(new RegExp(`^ {1,${indent}}`, 'gm'), '');
}

function skipBlank(text: string, from: number): number {
  let at = from;
  while (at < text.length) {
    const char = text.charCodeAt(at);
    if (char !== 32 && char !== 10 && char !== 9 && char !== 13) break;
    at += 1;
  }
  return at;
}

function lineStart(text: string, from: number, at: number): number {
  return Math.max(from, text.lastIndexOf('\n', at - 1) + 1);
}
