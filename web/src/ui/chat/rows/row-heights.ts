/** The heights of all rows of a long list, of which few are ever drawn: measured once drawn, estimated until then. */

export class RowHeights {
  #ids: string[] = [];
  #indexes = new Map<string, number>();
  #heights: number[] = [];
  readonly #measured = new Map<string, number>();
  /** What lies above each row, and above the end. Right up to `#settled`: a row that grows leaves all before it alone. */
  #tops: number[] = [0];
  #settled = 0;

  get count(): number {
    return this.#heights.length;
  }

  get total(): number {
    return this.topOf(this.count);
  }

  /** Takes the rows as they are now. Those that were measured before keep their heights. */
  take<Row extends { id: string }>(rows: readonly Row[], estimate: (row: Row) => number): void {
    let same = 0;
    while (same < rows.length && rows[same]!.id === this.#ids[same]) same += 1;
    for (const id of this.#ids.slice(same)) this.#indexes.delete(id);
    this.#ids.length = this.#heights.length = same;
    this.#tops.length = Math.min(this.#tops.length, same + 1);
    this.#settled = Math.min(this.#settled, same);
    for (const row of rows.slice(same)) {
      this.#indexes.set(row.id, this.#ids.length);
      this.#ids.push(row.id);
      this.#heights.push(this.#measured.get(row.id) ?? estimate(row));
    }
  }

  /** Whether that was news. */
  measure(id: string, heightPx: number): boolean {
    const index = this.#indexes.get(id);
    if (index === undefined || this.#measured.get(id) === heightPx) return false;
    this.#measured.set(id, heightPx);
    if (this.#heights[index] === heightPx) return false;
    this.#heights[index] = heightPx;
    this.#settled = Math.min(this.#settled, index);
    return true;
  }

  idAt(index: number): string | undefined {
    return this.#ids[index];
  }

  indexOf(id: string): number | undefined {
    return this.#indexes.get(id);
  }

  /** The pixels above this row; above the end for the number of rows. */
  topOf(index: number): number {
    for (; this.#settled < index; this.#settled++) {
      this.#tops[this.#settled + 1] = this.#tops[this.#settled]! + this.#heights[this.#settled]!;
    }
    return this.#tops[index]!;
  }

  /** The row so many pixels below the top; the first or the last for what lies outside. */
  indexAt(px: number): number {
    let low = 0;
    let high = Math.max(0, this.count - 1);
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if (this.topOf(middle) <= px) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}
