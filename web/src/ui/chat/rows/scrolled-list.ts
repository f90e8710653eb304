/**
 * A list that is longer than what is drawn of it, inside of an element that scrolls. Keeps what the reader sees where it is, while
 * rows above turn out to be higher or lower than estimated. The browser's own anchoring would do the same twice, and Safari has none.
 */
import type { View } from './drawn-rows.ts';
import type { Place } from './places.ts';
import type { RowHeights } from './row-heights.ts';

/** Until something was measured. */
const USUAL_HEIGHT_PX = 1_000;

export class ScrolledList {
  readonly #rows: RowHeights;
  #scroller: HTMLElement | null = null;
  #list: HTMLElement | null = null;
  /** null: at the end. */
  #place: Place | null;

  constructor(rows: RowHeights, place: Place | null) {
    this.#rows = rows;
    this.#place = place;
  }

  get place(): Place | null {
    return this.#place;
  }

  /** What can be seen; before the page is laid out, what probably will. */
  get view(): View {
    const heightPx = this.#scroller?.clientHeight || USUAL_HEIGHT_PX;
    const topPx = this.#place === null ? this.#rows.total - heightPx : (this.#topOf(this.#place) ?? 0);
    return { topPx, heightPx };
  }

  attach(list: HTMLElement, scroller: HTMLElement): void {
    this.#list = list;
    this.#scroller = scroller;
    if (this.#place !== null) this.stay();
  }

  /** The reader scrolled, or was taken somewhere. */
  look(): void {
    const scroller = this.#scroller;
    if (scroller === null) return;
    const { scrollTop, clientHeight, scrollHeight } = scroller;
    if (scrollHeight - scrollTop - clientHeight < 1) {
      this.#place = null;
      return;
    }
    const topPx = scrollTop - this.#listTop();
    const index = this.#rows.indexAt(topPx);
    const id = this.#rows.idAt(index);
    this.#place = id === undefined ? null : { id, intoPx: topPx - this.#rows.topOf(index) };
  }

  /** Rows have another height now: what was seen comes back to its place. The end is kept by who follows it. */
  stay(): void {
    if (this.#scroller === null || this.#place === null) return;
    const topPx = this.#topOf(this.#place);
    if (topPx === null) return;
    const wanted = topPx + this.#listTop();
    if (Math.abs(this.#scroller.scrollTop - wanted) >= 1) this.#scroller.scrollTop = wanted;
  }

  #topOf({ id, intoPx }: Place): number | null {
    const index = this.#rows.indexOf(id);
    return index === undefined ? null : this.#rows.topOf(index) + intoPx;
  }

  /** How far the list begins below the top of what scrolls. */
  #listTop(): number {
    const list = this.#list!.getBoundingClientRect().top;
    return list - this.#scroller!.getBoundingClientRect().top + this.#scroller!.scrollTop;
  }
}
