/** Formulas as MathML, which browsers draw and screen readers read. Loaded with the first formula. */
import temml from 'temml';
import { safeFormula } from './safe.ts';

/** A stranger wrote it: no macros without end, nothing larger than a line, no links, no files. */
const LIMITS = {
  maxExpand: 100,
  maxSize: [10, 40] as [number, number],
  trust: false,
  strict: false,
  throwOnError: true,
};

/** Its alignment and colours: the page takes no styles from a text, and its policy would log each. `formula.css` has the first. */
const STYLE = / style="[^"]*"/g;

/** Null: it cannot be set. */
export function typeset(tex: string, displayMode: boolean): DocumentFragment | null {
  try {
    return safeFormula(temml.renderToString(tex, { ...LIMITS, displayMode }).replaceAll(STYLE, ''));
  } catch {
    // Whatever it trips over, the source is what is left to show.
    return null;
  }
}
