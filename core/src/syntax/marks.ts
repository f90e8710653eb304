/** Finds marks in text that comes in pieces, in which a mark may be cut anywhere. */

/** The mark that stands first, the longest of those that begin there; null: none is whole. */
export function firstMark(text: string, marks: readonly string[]): { at: number; mark: string } | null {
  let first: { at: number; mark: string } | null = null;
  for (const mark of marks) {
    const at = text.indexOf(mark);
    if (at === -1 || (first !== null && (at > first.at || (at === first.at && mark.length < first.mark.length))))
      continue;
    first = { at, mark };
  }
  return first;
}

/** How many characters at the end of `text` could be the beginning of a mark. */
export function begunMark(text: string, marks: readonly string[]): number {
  const longest = Math.max(0, ...marks.map(({ length }) => length - 1));
  for (let length = Math.min(longest, text.length); length > 0; length -= 1) {
    const tail = text.slice(-length);
    if (marks.some((mark) => mark.startsWith(tail))) return length;
  }
  return 0;
}

/** Space before a mark belongs to the mark; more than this is kept. */
const MAX_SPACE = 64;
const SPACE_AT_END = new RegExp(`\\s{0,${MAX_SPACE}}$`);

/** Where the space at the end of `text` begins. */
export function beforeSpace(text: string): number {
  return text.length - (SPACE_AT_END.exec(text.slice(-MAX_SPACE))?.[0].length ?? 0);
}
