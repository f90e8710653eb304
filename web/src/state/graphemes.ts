/** Cuts between what a person reads as one character: an emoji of several parts and a letter with its marks stay whole. */

/** Longer ones are heaps of marks, which may be cut between two of them. */
const LONGEST = 64;

/** Made when it is first needed: that takes as long as half of the page's other code. */
let segmenter: Intl.Segmenter | null = null;

/** The last place up to `most` UTF-16 units where the text can be cut. Looks at a few characters only, however long the text is. */
export function cutBefore(text: string, most: number): number {
  if (most >= text.length) return text.length;
  if (most <= 0) return 0;
  let from = Math.max(0, most - LONGEST);
  if (from > 0 && isLowHalf(text, from)) from -= 1;
  segmenter ??= new Intl.Segmenter(undefined, { granularity: 'grapheme' });
  const here = segmenter.segment(text.slice(from, most + LONGEST)).containing(most - from);
  if (here !== undefined && here.index > 0) return from + here.index;
  if (from === 0) return 0;
  return isLowHalf(text, most) ? most - 1 : most;
}

/** The text if it has at most `most` UTF-16 units; otherwise its beginning, and an ellipsis. */
export function shortened(text: string, most: number): string {
  return text.length <= most ? text : `${text.slice(0, cutBefore(text, most - 1)).trimEnd()}…`;
}

function isLowHalf(text: string, at: number): boolean {
  return (text.charCodeAt(at) & 0xfc00) === 0xdc00;
}
