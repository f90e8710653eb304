/** The shortest way to end a text that a grammar allows: what closes an answer before it runs out of tokens. */
import type { Grammar, GrammarNode, Row } from './grammar.ts';

/** The most nodes that are looked at for one grammar; hostile ones have names in a bad order, a thousand of them. */
const MAX_LOOKS = 1_000_000;
/** No longer text is ever built: lists of long lists multiply. */
export const MAX_REST_CHARS = 8_192;

export class ShortestRest {
  readonly #grammar: Grammar;
  /** The way of each rule with the fewest characters, and how many these are. Rules without one have no end. */
  readonly #best = new Map<string, { length: number; row: Row }>();
  readonly #lengths = new WeakMap<Row, number[]>();
  #looks = 0;

  constructor(grammar: Grammar) {
    this.#grammar = grammar;
    this.#settle();
  }

  /** How many characters end the row from its node `at` on. */
  lengthFrom(row: Row, at: number): number {
    const known = this.#lengths.get(row);
    if (known !== undefined) return known[at] ?? 0;
    // Behind the last node nothing is left.
    const lengths = row.map(() => 0);
    let left = 0;
    for (let i = row.length - 1; i >= 0; i -= 1) {
      left += this.#lengthOf(row[i]!);
      lengths[i] = left;
    }
    this.#lengths.set(row, lengths);
    return lengths[at] ?? 0;
  }

  /** These characters. Only for a length up to `MAX_REST_CHARS`. */
  textFrom(row: Row, at: number): string {
    return row
      .slice(at)
      .map((node) => this.#textOf(node))
      .join('');
  }

  /** Rules get shorter until none does; each time only those are looked at again that refer to one that did. */
  #settle(): void {
    const referring = new Map<string, Set<string>>();
    for (const [name, ways] of this.#grammar) {
      for (const used of namesIn(ways)) referring.set(used, (referring.get(used) ?? new Set()).add(name));
    }
    const todo = new Set([...this.#grammar.keys()].toReversed());
    for (const name of todo) {
      todo.delete(name);
      if (!this.#improve(name)) continue;
      for (const other of referring.get(name) ?? []) todo.add(other);
    }
  }

  #improve(name: string): boolean {
    let best = this.#best.get(name);
    const before = best;
    for (const row of this.#grammar.get(name) ?? []) {
      const length = this.#sum(row);
      if (length < (best?.length ?? Infinity)) best = { length, row };
    }
    if (best === undefined || best === before) return false;
    this.#best.set(name, best);
    return true;
  }

  #sum(row: Row): number {
    return row.reduce((sum, node) => sum + this.#lengthOf(node), 0);
  }

  /** Infinite: nothing is known to end it. */
  #lengthOf(node: GrammarNode): number {
    this.#looks += 1;
    if (this.#looks > MAX_LOOKS && this.#best.size < this.#grammar.size) return Infinity;
    switch (node.kind) {
      case 'text':
        return node.text.length;
      case 'set':
        return 1;
      case 'rule':
        return this.#best.get(node.name)?.length ?? Infinity;
      case 'choice':
        return Math.min(...node.ways.map((row) => this.#sum(row)));
      case 'repeat':
        return node.least === 0 ? 0 : node.least * this.#sum(node.row);
      default:
        return node satisfies never;
    }
  }

  #textOf(node: GrammarNode): string {
    switch (node.kind) {
      case 'text':
        return node.text;
      case 'set':
        return anyOf(node.pattern);
      case 'rule':
        return this.textFrom(this.#best.get(node.name)?.row ?? [], 0);
      case 'choice': {
        const [first = []] = node.ways.toSorted((a, b) => this.#sum(a) - this.#sum(b));
        return this.textFrom(first, 0);
      }
      case 'repeat':
        return node.least === 0 ? '' : this.textFrom(node.row, 0).repeat(node.least);
      default:
        return node satisfies never;
    }
  }
}

/** A character of the set: an ordinary one, where it has one. */
function anyOf(pattern: RegExp): string {
  const ordinary = Array.from(ORDINARY).find((character) => pattern.test(character));
  if (ordinary !== undefined) return ordinary;
  for (let code = 0x20; code <= 0x10ffff; code += 1) {
    const character = String.fromCodePoint(code);
    if (pattern.test(character)) return character;
  }
  throw new TypeError('A set of a grammar is empty.');
}

const ORDINARY = `.0aA1 -_${Array.from({ length: 0x5f }, (_, i) => String.fromCharCode(0x20 + i)).join('')}`;

function namesIn(ways: readonly Row[]): string[] {
  return ways.flatMap((row) =>
    row.flatMap((node) => {
      if (node.kind === 'rule') return [node.name];
      if (node.kind === 'choice') return namesIn(node.ways);
      return node.kind === 'repeat' ? namesIn([node.row]) : [];
    }),
  );
}
