/** What bounds the work on one piece of an answer, whoever wrote it. The parser's worst cases are quadratic in a piece. */

/** A piece longer than this ends at the next line at which it can. */
export const SOFT_CHARS = 4_096;
export const SOFT_LINES = 60;
export const SOFT_MARKS = 256;
/** A piece longer than this that could not be ended is shown as it was written. */
export const HARD_CHARS = 16_384;
export const HARD_MARKS = 1_024;
/** A line longer than this is cut at a blank, or shown as it was written where it has none. */
export const LINE_CHARS = 6_000;
/** A word longer than this is nothing that the parser has to look into. */
export const WORD_CHARS = 2_048;
/** Lists in lists, quotations in quotations. */
export const MAX_NESTING = 12;
export const FORMULA_CHARS = 2_000;
export const MAX_FORMULA_NESTING = 24;
/** Definitions of links, all that are kept of an answer. */
export const MAX_DEFINITIONS = 300;
