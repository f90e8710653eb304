/** The grammar of one call in a model's own dialect: which functions there are, and what their arguments are held to. */
import { MeshError } from '../base/errors.ts';
import { choice, grammarText, repeat, rule, text, type Grammar, type GrammarNode, type Row } from '../form/grammar.ts';
import { jsonGrammar } from '../form/json-grammar.ts';
import { readJsonSchema, type JsonSchema } from '../form/json-schema.ts';
import type { Tool } from './tools.ts';

/** What a template writes before the name of a function, between the name and the arguments, and behind them. */
export interface CallFrame {
  before: string;
  between: string;
  after: string;
}

/** llama.cpp takes some milliseconds for so much; arguments that need more may be any object. */
const MAX_GRAMMAR_CHARS = 131_072;
const ANY_OBJECT = '{"type":"object"}';

/** Arguments whose schema cannot be enforced are held to be an object. */
export function callGrammar(frame: CallFrame, tools: readonly Tool[]): Grammar {
  const held = grammarOf(frame, tools, ({ parameters }) => readable(parameters));
  if (grammarText(held).length <= MAX_GRAMMAR_CHARS) return held;
  return grammarOf(frame, tools, () => readJsonSchema(ANY_OBJECT));
}

function grammarOf(
  { before, between, after }: CallFrame,
  tools: readonly Tool[],
  schemaOf: (tool: Tool) => JsonSchema,
): Grammar {
  const rules = new Map<string, readonly Row[]>();
  const calls = tools.map((tool, i): Row => {
    const prefix = `f${i}-`;
    for (const [name, ways] of jsonGrammar(schemaOf(tool)))
      rules.set(
        `${prefix}${name}`,
        ways.map((row) => row.map((node) => renamed(node, prefix))),
      );
    return [text(`${tool.name}${between}`), rule(`${prefix}root`)];
  });
  const end = after === '' ? [] : [text(after)];
  return new Map<string, readonly Row[]>([['root', [[text(before), choice(...calls), ...end]]], ...rules]);
}

function readable(parameters: object | null | undefined): JsonSchema {
  if (parameters == null || Object.keys(parameters).length === 0) return readJsonSchema(ANY_OBJECT);
  try {
    const schema = readJsonSchema(JSON.stringify(parameters));
    const { root, named } = schema;
    const shape = root.kind === 'named' ? named[root.name] : root;
    return shape?.kind === 'object' || shape?.kind === 'map' ? schema : readJsonSchema(ANY_OBJECT);
  } catch (thrown) {
    if (thrown instanceof MeshError) return readJsonSchema(ANY_OBJECT);
    throw thrown;
  }
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
