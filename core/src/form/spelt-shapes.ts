/** The shapes of strings and numbers, by the keywords that limit how they are spelt. */
import { FORMATS } from './spelt/formats.ts';
import type { JsonShape } from './json-shape.ts';
import { GREATEST_BOUND } from './spelt/number-range.ts';
import { refused, type Node } from './schema-node.ts';
import type { NumberRule, Spellings } from './spelt/spellings.ts';

interface Lengths {
  minLength: number;
  maxLength: number | null;
}

/** Throws bad_schema. */
export function textShape(lengths: Lengths, { pattern, format }: Node, at: string, spellings: Spellings): JsonShape {
  if (pattern === undefined && format === undefined) return { kind: 'string', ...lengths };
  if (pattern !== undefined && typeof pattern !== 'string') throw refused(`${at}/pattern`, 'is not a text');
  if (format !== undefined && (typeof format !== 'string' || !FORMATS.has(format))) {
    throw refused(`${at}/format`, 'is none that can be enforced here');
  }
  const spelling = spellings.ofText({
    ...lengths,
    ...(pattern !== undefined && { pattern }),
    ...(format !== undefined && { format }),
  });
  if (spelling === null) throw refused(at, 'has a "pattern" that cannot be enforced here, or that no text matches');
  return { kind: 'spelt', isQuoted: true, spelling };
}

/** Throws bad_schema. */
export function numberShape(type: NumberRule['type'], node: Node, at: string, spellings: Spellings): JsonShape {
  const bound = (keyword: `${'m' | 'exclusiveM'}${'in' | 'ax'}imum`): number | null => {
    const value = node[keyword];
    if (value === undefined) return null;
    if (typeof value !== 'number' || !Number.isInteger(value))
      throw refused(`${at}/${keyword}`, 'is not a whole number');
    // Generators of schemas write the greatest numbers for every whole number; ours have fewer digits.
    const isLeast = keyword.endsWith('inimum');
    if (isLeast ? value > GREATEST_BOUND : value < -GREATEST_BOUND)
      throw refused(`${at}/${keyword}`, 'has too many digits');
    return Math.abs(value) > GREATEST_BOUND ? null : value;
  };
  const [least, above] = [bound('minimum'), bound('exclusiveMinimum')];
  const [most, below] = [bound('maximum'), bound('exclusiveMaximum')];
  const isAbove = above !== null && (least === null || above >= least);
  const isBelow = below !== null && (most === null || below <= most);
  const range = { least: isAbove ? above : least, most: isBelow ? below : most };
  if (range.least === null && range.most === null) return { kind: type };
  const rule =
    type === 'number' ? { type, ...range, isAbove, isBelow } : { type, ...wholeOnly(range, isAbove, isBelow) };
  const spelling = spellings.ofNumber(rule);
  if (spelling === null) throw refused(at, 'has bounds that no number meets, or that cost too much');
  return { kind: 'spelt', isQuoted: false, spelling };
}

/** Of whole numbers, the next one is the bound. */
function wholeOnly(range: Pick<NumberRule, 'least' | 'most'>, isAbove: boolean, isBelow: boolean): typeof range {
  return {
    least: range.least !== null && isAbove ? range.least + 1 : range.least,
    most: range.most !== null && isBelow ? range.most - 1 : range.most,
  };
}
