/**
 * A JSON schema as a grammar in llama.cpp's GBNF, which holds every token of an answer to it. Written here and not by the
 * engines' own converters: these differ in what they skip silently, and take schemas of any size from strangers.
 */
import type { JsonSchema, JsonShape } from './json-schema.ts';

/** No white space between tokens: nothing for a weak model to lose itself in. */
const BASE: readonly string[] = [
  'char ::= [^"\\\\\\x00-\\x1F\\x7F] | "\\\\" (["\\\\/bfnrt] | "u" [0-9a-fA-F]{4})',
  'string ::= "\\"" char* "\\""',
  'integer ::= "-"? ("0" | [1-9] [0-9]{0,14})',
  'number ::= integer ("." [0-9]{1,15})? ([eE] [-+]? [0-9]{1,2})?',
  'boolean ::= "true" | "false"',
  'null ::= "null"',
  'any ::= string | number | boolean | null | anyobject | anylist',
  'anyobject ::= "{" (string ":" any ("," string ":" any)*)? "}"',
  'anylist ::= "[" (any ("," any)*)? "]"',
];

/** The text of the grammar; its root is the schema's. */
export function jsonGrammar({ root, named }: JsonSchema): string {
  const rules: string[] = [];
  const nameOf = new Map(Object.keys(named).map((name, i) => [name, `named${i}`]));
  const add = (body: string) => {
    rules.push(`rule${rules.length} ::= ${body}`);
    return `rule${rules.length - 1}`;
  };
  /** An expression that may stand anywhere. */
  const write = (shape: JsonShape): string => {
    switch (shape.kind) {
      case 'any':
      case 'number':
      case 'integer':
      case 'boolean':
      case 'null':
        return shape.kind;
      case 'string': {
        const { minLength, maxLength } = shape;
        if (minLength === 0 && maxLength === null) return 'string';
        // A rule of its own: llama.cpp spells repetitions out, and refuses repetitions of what is spelt out.
        return add(`"\\"" char{${minLength},${maxLength ?? ''}} "\\""`);
      }
      case 'values':
        return `(${shape.values.map(literal).join(' | ')})`;
      case 'choice':
        return add(shape.shapes.map(write).join(' | '));
      case 'list':
        return add(list(write(shape.items), shape.minItems, shape.maxItems));
      case 'map': {
        const entry = add(`string ":" ${write(shape.values)}`);
        return add(`"{" (${entry} ("," ${entry})*)? "}"`);
      }
      case 'object':
        return add(object(shape.required.map(pair), shape.optional.map(pair), add));
      case 'named':
        return nameOf.get(shape.name) ?? 'any';
      default:
        return shape satisfies never;
    }
  };
  const pair = ([name, shape]: [string, JsonShape]) => `${literal(JSON.stringify(name))} ":" ${write(shape)}`;
  const begin = `root ::= ${write(root)}`;
  const definitions = Object.entries(named).map(([name, shape]) => `${nameOf.get(name)} ::= ${write(shape)}`);
  return [begin, ...definitions, ...rules, ...BASE].join('\n');
}

function list(item: string, least: number, most: number | null): string {
  if (most === 0) return '"[" "]"';
  const more = `("," ${item}){${Math.max(0, least - 1)},${most === null ? '' : most - 1}}`;
  return least === 0 ? `"[" (${item} ${more})? "]"` : `"[" ${item} ${more} "]"`;
}

/** What must be there comes first: the order of keys means nothing in JSON. */
function object(required: string[], optional: string[], add: (body: string) => string): string {
  // Each after whatever of those before it there is.
  const beginnings: string[] = [];
  let rest = '';
  for (const one of optional.toReversed()) {
    const entry = add(one);
    beginnings.unshift(`${entry} ${rest}`);
    rest = add(`("," ${entry})? ${rest}`);
  }
  if (required.length > 0) return `"{" ${required.join(' "," ')} ${rest} "}"`;
  return beginnings.length === 0 ? '"{" "}"' : `"{" (${beginnings.join(' | ')})? "}"`;
}

/** `json` as it is, in quotes of the grammar. */
function literal(json: string): string {
  const escaped = json.replace(/["\\]/g, (c) => `\\${c}`).replace(/[^\x20-\x7e]/gu, (c) => `\\U${hex(c)}`);
  return `"${escaped}"`;
}

function hex(character: string): string {
  return (character.codePointAt(0) ?? 0).toString(16).padStart(8, '0').toUpperCase();
}
