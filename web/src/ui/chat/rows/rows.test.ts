import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { drawnRows, isSame } from './drawn-rows.ts';
import { RowHeights } from './row-heights.ts';

const rowsOf = (...ids: string[]) => ids.map((id) => ({ id }));

function hundred(): RowHeights {
  const heights = new RowHeights();
  heights.take(rowsOf(...Array.from({ length: 100 }, (_, i) => `r${i}`)), () => 10);
  return heights;
}

describe('RowHeights', () => {
  it('adds up what was measured and what was estimated', () => {
    const heights = hundred();
    expect([heights.total, heights.topOf(50)]).toEqual([1_000, 500]);
    expect(heights.measure('r10', 110)).toBe(true);
    expect(heights.measure('r10', 110)).toBe(false);
    expect([heights.total, heights.topOf(10), heights.topOf(11)]).toEqual([1_100, 100, 210]);
    expect([99, 100, 209, 210, -5, 99_999].map((px) => heights.indexAt(px))).toEqual([9, 10, 10, 11, 0, 99]);
    expect(heights.measure('gone', 5)).toBe(false);
  });

  it('keeps what it measured when rows come and go', () => {
    const heights = new RowHeights();
    heights.take(rowsOf('a', 'b', 'c'), () => 10);
    heights.measure('c', 50);
    heights.take(rowsOf('a', 'c', 'd'), () => 20);
    expect([heights.topOf(1), heights.topOf(2), heights.total]).toEqual([10, 60, 80]);
    expect([heights.indexOf('b'), heights.indexOf('c'), heights.idAt(2)]).toEqual([undefined, 1, 'd']);
    heights.take([], () => 10);
    expect([heights.total, heights.indexAt(5)]).toEqual([0, 0]);
  });

  it('agrees with a plain sum after any changes', () => {
    const change = fc.oneof(
      fc.record({ measure: fc.nat(30), px: fc.nat(500) }),
      fc.record({ rows: fc.uniqueArray(fc.nat(30), { maxLength: 30 }) }),
    );
    fc.assert(
      fc.property(fc.array(change), (changes) => {
        const heights = new RowHeights();
        const measured = new Map<string, number>();
        let rows: { id: string }[] = [];
        for (const one of changes) {
          if ('rows' in one) {
            rows = one.rows.map((id) => ({ id: String(id) }));
            heights.take(rows, ({ id }) => Number(id) + 1);
          } else if (rows.some(({ id }) => id === String(one.measure))) {
            measured.set(String(one.measure), one.px);
            heights.measure(String(one.measure), one.px);
          }
          const sum = rows.reduce((px, { id }) => px + (measured.get(id) ?? Number(id) + 1), 0);
          expect(heights.total).toBe(sum);
        }
      }),
    );
  });
});

describe('drawnRows', () => {
  const indexes = (...args: Parameters<typeof drawnRows>) => drawnRows(...args).map(({ index }) => index);

  it('draws what can be seen, and a screen more above and below', () => {
    const seen = indexes(hundred(), { topPx: 500, heightPx: 100, atFirst: false }, []);
    expect([seen[0], seen.at(-1), seen.length]).toEqual([40, 70, 31]);
    expect(indexes(hundred(), { topPx: 0, heightPx: 100, atFirst: false }, [])[0]).toBe(0);
    const first = indexes(hundred(), { topPx: 900, heightPx: 100, atFirst: true }, []);
    expect([first[0], first.at(-1)]).toEqual([87, 99]);
    expect(drawnRows(new RowHeights(), { topPx: 0, heightPx: 100, atFirst: false }, [])).toEqual([]);
  });

  it('keeps what is held, once each and in order, with room between for all that is not drawn', () => {
    const heights = hundred();
    const drawn = drawnRows(heights, { topPx: 500, heightPx: 100, atFirst: false }, [
      [3, 3],
      [38, 42],
      [99, 99],
    ]);
    expect(drawn.map(({ index }) => index)).toEqual([3, 38, 39, ...Array.from({ length: 31 }, (_, i) => 40 + i), 99]);
    const gaps = drawn.reduce((px, { gapPx }) => px + gapPx, 0);
    expect(gaps + drawn.length * 10).toBe(heights.total);
  });

  it('is the same as long as nothing is drawn elsewhere', () => {
    const heights = hundred();
    const view = { topPx: 500, heightPx: 100, atFirst: false };
    const before = drawnRows(heights, view, []);
    expect(isSame(before, drawnRows(heights, { ...view, topPx: 503 }, []))).toBe(true);
    expect(isSame(before, drawnRows(heights, { ...view, topPx: 513 }, []))).toBe(false);
    heights.measure('r50', 40);
    expect(isSame(before, drawnRows(heights, view, []))).toBe(false);
  });
});
