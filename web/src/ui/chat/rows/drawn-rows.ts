/** Which rows of a long list are drawn. */
import type { RowHeights } from './row-heights.ts';

/** What can be seen of the list, in pixels from its top. */
export interface View {
  topPx: number;
  heightPx: number;
  /** Nothing of it was drawn yet. */
  atFirst: boolean;
}

/** From the first of them to the last. */
export type Range = readonly [first: number, last: number];

export interface DrawnRow {
  id: string;
  index: number;
  /** The room that is left for the rows before it, which are not drawn. */
  gapPx: number;
}

/** So many screens above and below are drawn too, so that neither a scroll nor Tab comes to an empty place. */
const BEYOND = 1;
/** In the first frame; the rest comes with the second. Rows may turn out lower than estimated. */
const BEYOND_AT_FIRST = 0.25;

/** `held`: other rows that must not go away, as the focus or a selection is in them. In order, none twice. */
export function drawnRows(rows: RowHeights, { topPx, heightPx, atFirst }: View, held: readonly Range[]): DrawnRow[] {
  if (rows.count === 0) return [];
  const beyondPx = heightPx * (atFirst ? BEYOND_AT_FIRST : BEYOND);
  const seen: Range = [rows.indexAt(topPx - beyondPx), rows.indexAt(topPx + heightPx + beyondPx)];
  const drawn: DrawnRow[] = [];
  let next = 0;
  for (const [first, last] of [seen, ...held].toSorted(([a], [b]) => a - b)) {
    for (let index = Math.max(first, next); index <= last && index < rows.count; index++) {
      drawn.push({ id: rows.idAt(index)!, index, gapPx: rows.topOf(index) - rows.topOf(next) });
      next = index + 1;
    }
  }
  return drawn;
}

export function isSame(some: readonly DrawnRow[], others: readonly DrawnRow[]): boolean {
  return (
    some.length === others.length &&
    some.every(({ id, index, gapPx }, i) => {
      const other = others[i]!;
      return id === other.id && index === other.index && gapPx === other.gapPx;
    })
  );
}
