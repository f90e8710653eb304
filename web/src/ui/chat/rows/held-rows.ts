/** The rows in which the focus is, or between the ends of a selection: they stay drawn, wherever the list is scrolled to. */
import type { Range } from './drawn-rows.ts';

/** Of a selection that is longer only the rows at its ends are held. */
const MOST_SELECTED = 200;

/** The number of the row that holds this node; null: none of this list. */
export type IndexOf = (node: Node | null) => number | null;

export function heldRows(indexOf: IndexOf, focused: Element | null, selection: Selection | null): Range[] {
  const held: Range[] = [];
  const focus = indexOf(focused);
  if (focus !== null) held.push([focus, focus]);
  if (selection === null || selection.isCollapsed) return held;
  const ends = [indexOf(selection.anchorNode), indexOf(selection.focusNode)].filter((end) => end !== null);
  const [first, last] = [Math.min(...ends), Math.max(...ends)];
  if (ends.length === 2 && last - first < MOST_SELECTED) held.push([first, last]);
  else held.push(...ends.map((end) => [end, end] as const));
  return held;
}
