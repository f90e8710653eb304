/**
 * Whole numbers as the formats write them: ASCII digits without a leading zero. The formats allow 64 bits; ours end
 * where a double stops being exact, at 2^53 − 1 leaves.
 */
const SPELLING = /^(?:0|[1-9]\d{0,15})$/;

/** Null: it is no such number, or a larger one. */
export function readDecimal(text: string): number | null {
  if (!SPELLING.test(text)) return null;
  const number = Number(text);
  return Number.isSafeInteger(number) ? number : null;
}
