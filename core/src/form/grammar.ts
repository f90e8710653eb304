/**
 * A grammar as a tree: `json-grammar.ts` builds it from a schema, `grammar-reader.ts` follows it, and engines get it printed
 * in llama.cpp's GBNF.
 */

export type GrammarNode =
  | { kind: 'text'; text: string }
  /** One character of a set, spelt as both GBNF and regular expressions spell it. */
  | { kind: 'set'; spelt: string; pattern: RegExp }
  | { kind: 'rule'; name: string }
  | { kind: 'choice'; ways: readonly Row[] }
  /** `most` is null where there is no end to it, and `spelt` is the suffix that says how often. */
  | { kind: 'repeat'; row: Row; least: number; most: number | null; spelt: string };
export type Row = readonly GrammarNode[];

/** The ways of each rule, by its name; reading begins at "root". */
export type Grammar = ReadonlyMap<string, readonly Row[]>;

export const text = (of: string): GrammarNode => ({ kind: 'text', text: of });
export const set = (spelt: string): GrammarNode => ({ kind: 'set', spelt, pattern: new RegExp(spelt, 'u') });
export const rule = (name: string): GrammarNode => ({ kind: 'rule', name });
export const choice = (...ways: Row[]): GrammarNode => ({ kind: 'choice', ways });
export const optional = (...row: Row): GrammarNode => repeat(row, 0, 1, '?');
export const many = (...row: Row): GrammarNode => repeat(row, 0, null, '*');

export function repeat(row: Row, least: number, most: number | null, spelt = `{${least},${most ?? ''}}`): GrammarNode {
  return { kind: 'repeat', row, least, most, spelt };
}

/** The grammar in GBNF. */
export function grammarText(grammar: Grammar): string {
  return [...grammar].map(([name, ways]) => `${name} ::= ${waysText(ways)}`).join('\n');
}

/** A row in GBNF: the same text is the same row. */
export function rowText(row: Row): string {
  return row.map(nodeText).join(' ');
}

function waysText(ways: readonly Row[]): string {
  return ways.map(rowText).join(' | ');
}

function nodeText(node: GrammarNode): string {
  switch (node.kind) {
    case 'text':
      return literal(node.text);
    case 'set':
      return node.spelt;
    case 'rule':
      return node.name;
    case 'choice':
      return `(${waysText(node.ways)})`;
    case 'repeat': {
      if (node.most === 0) return '';
      const isOne = node.row.length === 1 && node.row[0]?.kind !== 'repeat';
      return `${isOne ? rowText(node.row) : `(${rowText(node.row)})`}${node.spelt}`;
    }
    default:
      return node satisfies never;
  }
}

function literal(of: string): string {
  const escaped = of.replace(/["\\]/g, (c) => `\\${c}`).replace(/[^\x20-\x7e]/gu, (c) => `\\U${hex(c)}`);
  return `"${escaped}"`;
}

function hex(character: string): string {
  return (character.codePointAt(0) ?? 0).toString(16).padStart(8, '0').toUpperCase();
}
