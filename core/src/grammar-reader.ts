/**
 * Reads a text as a grammar allows it, and tells what may follow: whether the text is whole, and the grammar of its rest, for
 * engines whose grammars begin where they begin to write. Understands what `json-grammar.ts` writes of llama.cpp's GBNF.
 */
import { MeshError } from './errors.ts';

type Node =
  /** One character that `accepts` takes. */
  | { kind: 'one'; text: string; accepts: (codePoint: number) => boolean }
  | { kind: 'rule'; name: string }
  | { kind: 'row'; nodes: Node[] }
  | { kind: 'choice'; nodes: Node[] }
  | { kind: 'repeat'; node: Node; least: number; most: number | null };

/** What is to come, the next first; null: nothing. */
type Stack = { node: Node; next: Stack } | null;

/** Places in the grammar where the text may have led: an ambiguous one of a stranger could make them double at each step. */
const MAX_STACKS = 1_024;
const WHOLE = '""';

export class GrammarReader {
  readonly #lines: readonly string[];
  readonly #rules: ReadonlyMap<string, Node>;
  #stacks: Stack[] = [{ node: { kind: 'rule', name: 'root' }, next: null }];

  constructor(grammar: string) {
    this.#lines = grammar.split('\n');
    this.#rules = new Map(this.#lines.map((line) => readRule(line)));
  }

  /**
   * Throws bad_schema when `text` cannot come next, and unsupported when there are too many ways to read it; nothing more is
   * to be read then.
   */
  read(text: string): void {
    for (const character of text) {
      const codePoint = character.codePointAt(0) ?? 0;
      this.#stacks = this.#stacks
        .flatMap((stack) => [...heads(stack, this.#rules)])
        .flatMap((head) => (head !== null && head.accepts(codePoint) ? [head.next] : []));
      if (this.#stacks.length > MAX_STACKS) {
        throw new MeshError(
          'unsupported',
          'This JSON schema can be followed in too many ways at once. Make it simpler.',
        );
      }
      if (this.#stacks.length === 0) {
        throw new MeshError('bad_schema', 'What there is of this answer does not follow its JSON schema. Ask anew.');
      }
    }
  }

  /** What was read is whole. */
  get mayEnd(): boolean {
    return this.#stacks.some((stack) => [...heads(stack, this.#rules)].includes(null));
  }

  /** The grammar of what may come next. Rules keep their names, but for the root. */
  get rest(): string {
    const rests = [...new Set(this.#stacks.map(print))];
    // Nothing was read.
    if (rests.length === 1 && rests[0] === 'root') return this.#lines.join('\n');
    return [`root ::= ${rests.join(' | ')}`, ...this.#lines.filter((line) => !line.startsWith('root '))].join('\n');
  }
}

interface Head {
  accepts: (codePoint: number) => boolean;
  next: Stack;
}

/** The characters that may come next, each with what comes behind it; null: the text may end here. */
function* heads(stack: Stack, rules: ReadonlyMap<string, Node>): Generator<Head | null> {
  if (stack === null) {
    yield null;
    return;
  }
  const { node, next } = stack;
  switch (node.kind) {
    case 'one':
      yield { accepts: node.accepts, next };
      break;
    case 'rule': {
      const rule = rules.get(node.name);
      if (rule === undefined) throw new TypeError(`There is no rule ${node.name}.`);
      yield* heads({ node: rule, next }, rules);
      break;
    }
    case 'row':
      yield* heads(
        node.nodes.reduceRight<Stack>((behind, one) => ({ node: one, next: behind }), next),
        rules,
      );
      break;
    case 'choice':
      for (const one of node.nodes) yield* heads({ node: one, next }, rules);
      break;
    case 'repeat': {
      const { least, most } = node;
      if (least === 0) yield* heads(next, rules);
      if (most === 0) break;
      const again: Node = { ...node, least: Math.max(0, least - 1), most: most === null ? null : most - 1 };
      yield* heads({ node: node.node, next: { node: again, next } }, rules);
      break;
    }
    default:
      node satisfies never;
  }
}

function print(stack: Stack): string {
  const parts: string[] = [];
  for (let at = stack; at !== null; at = at.next) parts.push(printed(at.node));
  return parts.filter((part) => part !== '').join(' ') || WHOLE;
}

function printed(node: Node): string {
  switch (node.kind) {
    case 'one':
      return node.text;
    case 'rule':
      return node.name;
    case 'row':
      return node.nodes.map(printed).join(' ');
    case 'choice':
      return `(${node.nodes.map(printed).join(' | ')})`;
    case 'repeat':
      return node.most === 0 ? '' : `(${printed(node.node)}){${node.least},${node.most ?? ''}}`;
    default:
      return node satisfies never;
  }
}

// ---- Reading ---------------------------------------------------------------------------------------------------------

/** Literals, sets, names, and what stands between and behind them. */
const TOKEN = /\s*("(?:[^"\\]|\\.)*"|\[(?:[^\]\\]|\\.)*\]|[a-z][a-z0-9]*|[(|)?*+]|\{\d+(?:,\d*)?\})/y;
const CHARACTER = /\\U([0-9a-fA-F]{8})|\\x([0-9a-fA-F]{2})|\\(.)|([^])/uy;

function readRule(line: string): [name: string, Node] {
  const [name = '', body = ''] = line.split(' ::= ', 2);
  const tokens = new Tokens(line.slice(line.indexOf(' ::= ') + 5));
  if (body === '') throw new TypeError(`No rule: ${line}`);
  return [name, tokens.choice()];
}

class Tokens {
  readonly #tokens: string[] = [];
  #at = 0;

  constructor(body: string) {
    TOKEN.lastIndex = 0;
    for (let at = 0; at < body.trimEnd().length; at = TOKEN.lastIndex) {
      const [, token] = TOKEN.exec(body) ?? [];
      if (token === undefined) throw new TypeError(`No grammar: ${body}`);
      this.#tokens.push(token);
    }
  }

  choice(): Node {
    const nodes = [this.#row()];
    while (this.#tokens[this.#at] === '|') {
      this.#at += 1;
      nodes.push(this.#row());
    }
    return nodes.length === 1 ? nodes[0]! : { kind: 'choice', nodes };
  }

  #row(): Node {
    const nodes: Node[] = [];
    for (
      let token = this.#tokens[this.#at];
      token !== undefined && !'|)'.includes(token);
      token = this.#tokens[this.#at]
    ) {
      this.#at += 1;
      nodes.push(this.#repeated(this.#one(token)));
    }
    return nodes.length === 1 ? nodes[0]! : { kind: 'row', nodes };
  }

  #one(token: string): Node {
    if (token === '(') {
      const node = this.choice();
      this.#at += 1;
      return node;
    }
    if (token.startsWith('"')) {
      const nodes = characters(token.slice(1, -1)).map(({ codePoint, text }): Node => {
        return { kind: 'one', text: `"${text}"`, accepts: (one) => one === codePoint };
      });
      return nodes.length === 1 ? nodes[0]! : { kind: 'row', nodes };
    }
    return token.startsWith('[')
      ? { kind: 'one', text: token, accepts: readSet(token) }
      : { kind: 'rule', name: token };
  }

  #repeated(node: Node): Node {
    const token = this.#tokens[this.#at] ?? '';
    const bounds = /^\{(\d+)(,?)(\d*)\}$/.exec(token);
    const repeat = (least: number, most: number | null): Node => {
      this.#at += 1;
      return { kind: 'repeat', node, least, most };
    };
    if (token === '?') return repeat(0, 1);
    if (token === '*') return repeat(0, null);
    if (token === '+') return repeat(1, null);
    if (bounds === null) return node;
    const [, least = '0', comma, most = ''] = bounds;
    return repeat(Number(least), comma === '' ? Number(least) : most === '' ? null : Number(most));
  }
}

/** `[^"\\\x00-\x1F]` */
function readSet(token: string): (codePoint: number) => boolean {
  const inverted = token.startsWith('[^');
  const inside = characters(token.slice(inverted ? 2 : 1, -1));
  const ranges: [from: number, to: number][] = [];
  for (let at = 0; at < inside.length; at += 1) {
    const from = inside[at]!.codePoint;
    const isRange = inside[at + 1]?.text === '-' && at + 2 < inside.length;
    ranges.push([from, isRange ? inside[at + 2]!.codePoint : from]);
    if (isRange) at += 2;
  }
  return (codePoint) => ranges.some(([from, to]) => codePoint >= from && codePoint <= to) !== inverted;
}

/** The characters of a literal or a set, each as it is spelt. */
function characters(body: string): { codePoint: number; text: string }[] {
  const read: { codePoint: number; text: string }[] = [];
  CHARACTER.lastIndex = 0;
  for (let at = 0; at < body.length; at = CHARACTER.lastIndex) {
    const [text = '', long, short, escaped, plain = ''] = CHARACTER.exec(body) ?? [];
    const code = long ?? short;
    const codePoint = code === undefined ? ((escaped ?? plain).codePointAt(0) ?? 0) : Number.parseInt(code, 16);
    read.push({ codePoint, text });
  }
  return read;
}
