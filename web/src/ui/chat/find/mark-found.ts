/** Marks words in what is drawn, as the browser's own search does: the page is not changed for it. */
import { fold } from '../../../state/chat/search/fold.ts';

const NAME = 'found';
/** A row that says it more often shows well enough where. */
const MOST = 500;

/**
 * Marks the query wherever it stands in `row`, and returns the first such place; null: it is not there as it was typed. A row that is
 * null marks nothing any more. Browsers that cannot mark show the place alone.
 */
export function markFound(row: Element | null, query: string): Range | null {
  const marks = 'highlights' in CSS ? CSS.highlights : null;
  marks?.delete(NAME);
  const sought = fold(query).trim();
  if (row === null || sought === '') return null;
  const ranges: Range[] = [];
  const texts = document.createTreeWalker(row, NodeFilter.SHOW_TEXT);
  for (let node = texts.nextNode(); node !== null && ranges.length < MOST; node = texts.nextNode()) {
    const text = node.nodeValue ?? '';
    const folded = fold(text);
    // Where folding changes lengths, places in the one are none in the other.
    if (folded.length !== text.length) continue;
    for (let at = folded.indexOf(sought); at >= 0 && ranges.length < MOST; at = folded.indexOf(sought, at + 1)) {
      const range = new Range();
      range.setStart(node, at);
      range.setEnd(node, at + sought.length);
      ranges.push(range);
    }
  }
  if (ranges.length > 0) marks?.set(NAME, new Highlight(...ranges));
  return ranges[0] ?? null;
}
