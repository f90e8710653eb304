/** The grammar of one call in a model's own dialect: which functions there are, and what their arguments are held to. */
import { MeshError } from '../base/errors.ts';
import { choice, grammarText, repeat, rule, text, type Grammar, type GrammarNode, type Row } from '../form/grammar.ts';
import { jsonGrammar } from '../form/json-grammar.ts';
import { readJsonSchema } from '../form/json-schema.ts';
import { affordable } from '../form/lower/lowered-arguments.ts';
import type { LoweredSchema } from '../form/lower/lowered-schema.ts';
import { loweredOf, type Tool } from './tools.ts';

/** What a template writes before the name of a function, between the name and the arguments, and behind them. */
export interface CallFrame {
  before: string;
  between: string;
  after: string;
}

/** llama.cpp takes some milliseconds for so much; arguments that need more may be any object. */
const MAX_GRAMMAR_CHARS = 131_072;

/** What cannot be enforced of the arguments is left free. Throws bad_schema for parameters that are no schema. */
export function callGrammar(frame: CallFrame, tools: readonly Tool[]): Grammar {
  return affordable(loweredOf(tools), (held) => {
    const grammar = grammarOf(frame, tools, held);
    if (grammarText(grammar).length <= MAX_GRAMMAR_CHARS) return grammar;
    throw new MeshError('bad_schema', 'The functions ask for more than can be enforced. Offer fewer.');
  });
}

function grammarOf(
  { before, between, after }: CallFrame,
  tools: readonly Tool[],
  held: readonly LoweredSchema[],
): Grammar {
  const rules = new Map<string, readonly Row[]>();
  const calls = tools.map(({ name }, i): Row => {
    const prefix = `f${i}-`;
    const own = jsonGrammar(readJsonSchema(JSON.stringify(held[i]?.schema ?? {})));
    for (const [rule_, ways] of own)
      rules.set(
        `${prefix}${rule_}`,
        ways.map((row) => row.map((node) => renamed(node, prefix))),
      );
    return [text(`${name}${between}`), rule(`${prefix}root`)];
  });
  const end = after === '' ? [] : [text(after)];
  return new Map<string, readonly Row[]>([['root', [[text(before), choice(...calls), ...end]]], ...rules]);
}

function renamed(node: GrammarNode, prefix: string): GrammarNode {
  const inRow = (row: Row): Row => row.map((one) => renamed(one, prefix));
  switch (node.kind) {
    case 'rule':
      return rule(`${prefix}${node.name}`);
    case 'choice':
      return choice(...node.ways.map(inRow));
    case 'repeat':
      return repeat(inRow(node.row), node.least, node.most, node.spelt);
    case 'text':
    case 'set':
      return node;
    default:
      return node satisfies never;
  }
}
