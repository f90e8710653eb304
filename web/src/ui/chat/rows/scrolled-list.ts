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
  /** Of what scrolls. To ask the page each time would have it laid out each time. */
  #heightPx = 0;
  /** null: at the end. */
  #place: Place | null;
  /** Where the row of `#place` began when that was found. */
  #rowTopPx = 0;
  /** Its rows were measured once, and stand where they will: the list that was here before is gone. */
  #isLaidOut = false;

  constructor(rows: RowHeights, place: Place | null) {
    this.#rows = rows;
    this.#place = place;
  }

  get place(): Place | null {
    return this.#place;
  }

  /** What can be seen; before the page is laid out, what probably will. */
  get view(): View {
    const heightPx = this.#heightPx || USUAL_HEIGHT_PX;
    const rowTopPx = this.#rowTop();
    const topPx =
      this.#place === null || rowTopPx === null ? this.#rows.total - heightPx : rowTopPx + this.#place.intoPx;
    return { topPx, heightPx, atFirst: !this.#isLaidOut };
  }

  attach(list: HTMLElement, scroller: HTMLElement): void {
    this.#list = list;
    this.#scroller = scroller;
    this.#scrollToPlace();
  }

  /** Takes the reader to this row. */
  goTo(id: string): void {
    this.#place = { id, intoPx: 0 };
    this.#scrollToPlace();
  }

  /** The reader scrolled, or was taken somewhere. */
  look(): void {
    if (this.#scroller === null || !this.#isLaidOut) return;
    const topPx = this.#scroller.scrollTop - this.#listTop();
    const index = this.#rows.indexAt(topPx);
    const id = this.#rows.idAt(index);
    if (id === undefined || this.#isAtEnd(this.#scroller)) {
      this.#place = null;
      return;
    }
    this.#rowTopPx = this.#rows.topOf(index);
    this.#place = { id, intoPx: topPx - this.#rowTopPx };
  }

  /** Rows came or went. */
  take(): void {
    if (this.#isLaidOut) this.stay();
  }

  /** What scrolls has this height now. */
  resize(heightPx: number): void {
    this.#heightPx = heightPx;
  }

  /** Rows have another height now. Only what lies above moves what is seen: who follows the end sees to the rest. */
  stay(): void {
    if (!this.#isLaidOut) {
      this.#isLaidOut = true;
      this.#scrollToPlace();
      return;
    }
    const rowTopPx = this.#rowTop();
    if (this.#scroller === null || rowTopPx === null) return;
    const movedPx = rowTopPx - this.#rowTopPx;
    this.#rowTopPx = rowTopPx;
    if (movedPx !== 0 && !this.#isAtEnd(this.#scroller)) this.#scroller.scrollTop += movedPx;
  }

  #scrollToPlace(): void {
    const rowTopPx = this.#rowTop();
    if (this.#place === null || rowTopPx === null || this.#scroller === null) return;
    this.#rowTopPx = rowTopPx;
    this.#scroller.scrollTop = this.#listTop() + rowTopPx + this.#place.intoPx;
  }

  /** Where the row of the place begins now. */
  #rowTop(): number | null {
    const index = this.#place === null ? undefined : this.#rows.indexOf(this.#place.id);
    return index === undefined ? null : this.#rows.topOf(index);
  }

  #isAtEnd({ scrollTop, clientHeight, scrollHeight }: HTMLElement): boolean {
    return scrollHeight - scrollTop - clientHeight < 1;
  }

  /** How far the list begins below the top of what scrolls. */
  #listTop(): number {
    const list = this.#list!.getBoundingClientRect().top;
    return list - this.#scroller!.getBoundingClientRect().top + this.#scroller!.scrollTop;
  }
}
