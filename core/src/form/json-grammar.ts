/**
 * A JSON schema as a grammar in llama.cpp's GBNF, which holds every token of an answer to it. Written here and not by the
 * engines' own converters: these differ in what they skip silently, and take schemas of any size from strangers.
 */
import { MeshError } from '../base/errors.ts';
import { resolved, type JsonSchema, type JsonShape } from './json-shape.ts';
import { literal, oneOf } from './literals.ts';

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

/** An object in a choice: what must be in it, each by its expression, and how it goes on to its end. */
interface Branch {
  pairs: string[];
  end: string;
}

/** The text of the grammar; its root is the schema's. Throws bad_schema for bounds that no reader lets through. */
export function jsonGrammar({ root, named }: JsonSchema): string {
  const shapes = new Map(Object.entries(named));
  const nameOf = new Map(Object.keys(named).map((name, i) => [name, `named${i}`]));
  const rules = new Map<string, string>();
  const choices = new Map<string, string>();
  const lines: string[] = [];
  /** The same body is the same rule: engines follow it once, whoever refers to it. */
  const add = (body: string) => {
    const name = rules.get(body) ?? `rule${rules.size}`;
    rules.set(body, name);
    return name;
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
        return add(`"\\"" ${repeated('char', minLength, maxLength)} "\\""`);
      }
      case 'values':
        return shape.values.length === 1 ? oneOf(shape.values) : add(oneOf(shape.values));
      case 'choice':
        return choice(shape);
      case 'list':
        return add(list(write(shape.items), shape.minItems, shape.maxItems));
      case 'map': {
        const entry = add(`string ":" ${write(shape.values)}`);
        return add(`"{" (${entry} ("," ${entry})*)? "}"`);
      }
      case 'object': {
        const { pairs, end } = branch(shape);
        return add(`"{" ${pairs.join(' "," ')} ${end}`);
      }
      case 'named':
        return nameOf.get(shape.name) ?? 'any';
      default:
        return shape satisfies never;
    }
  };
  const pair = ([name, shape]: [string, JsonShape]) => `${literal(JSON.stringify(name))} ":" ${write(shape)}`;
  const branches = new Map<JsonShape, Branch>();
  const branch = (shape: Extract<JsonShape, { kind: 'object' }>): Branch => {
    const { required, optional } = shape;
    const known = branches.get(shape) ?? {
      pairs: required.map(pair),
      end: endOf(required.length, optional.map(pair), add),
    };
    branches.set(shape, known);
    return known;
  };
  /** Objects that begin with the same pairs are one up to where they part: otherwise engines would follow each of them. */
  const waysOf = (alternatives: readonly JsonShape[]): string => {
    const ways: string[] = [];
    const byFirst = new Map<string, JsonShape[]>();
    for (const shape of alternatives) {
      const target = resolved(shape, shapes);
      const [first] = target.kind === 'object' ? target.required : [];
      const key = JSON.stringify(first);
      if (first === undefined) ways.push(write(shape));
      else byFirst.set(key, [...(byFirst.get(key) ?? []), shape]);
    }
    for (const alike of byFirst.values()) {
      const objects = alike.map((shape) => resolved(shape, shapes)).filter((shape) => shape.kind === 'object');
      if (alike.length === 1) ways.push(...alike.map(write));
      else ways.push(add(`"{" ${forked(objects.map(branch))}`));
    }
    return ways.join(' | ');
  };
  const choice = (shape: Extract<JsonShape, { kind: 'choice' }>): string => {
    const key = JSON.stringify(shape);
    let name = choices.get(key);
    if (name === undefined) {
      name = `choice${choices.size}`;
      // Before it is written, as it may lead back to itself.
      choices.set(key, name);
      lines.push(`${name} ::= ${waysOf(shape.shapes)}`);
    }
    return name;
  };
  const begin = `root ::= ${write(root)}`;
  const definitions = [...shapes].map(([name, shape]) => `${nameOf.get(name)} ::= ${write(shape)}`);
  const own = [...rules].map(([body, name]) => `${name} ::= ${body}`);
  return [begin, ...definitions, ...lines, ...own, ...BASE].join('\n');
}

/** Engines spell repetitions out: with a least above the most they would never end. */
function repeated(expression: string, least: number, most: number | null): string {
  if (most !== null && least > most)
    throw new MeshError('bad_schema', 'In the JSON schema, a minimum is above its maximum.');
  return most === 0 ? '' : `${expression}{${least},${most ?? ''}}`;
}

function list(item: string, least: number, most: number | null): string {
  if (most === 0) return `"[" ${repeated(item, least, most)} "]"`;
  const more = repeated(`("," ${item})`, Math.max(0, least - 1), most === null ? null : most - 1);
  return least === 0 ? `"[" (${item} ${more})? "]"` : `"[" ${item} ${more} "]"`;
}

/** What may be there comes behind what must: the order of keys means nothing in JSON. */
function endOf(required: number, optional: string[], add: (body: string) => string): string {
  // Each after whatever of those before it there is.
  const beginnings: string[] = [];
  let rest = '';
  for (const one of optional.toReversed()) {
    const entry = add(one);
    beginnings.unshift(`${entry} ${rest}`);
    rest = add(`("," ${entry})? ${rest}`);
  }
  if (required > 0) return `${rest} "}"`;
  return beginnings.length === 0 ? '"}"' : `(${beginnings.join(' | ')})? "}"`;
}

/** `branches` have their pairs before `at` in common. */
function forked(branches: readonly Branch[], at = 0): string {
  const ways = new Set<string>();
  const byPair = new Map<string, Branch[]>();
  for (const branch of branches) {
    const pair = branch.pairs[at];
    if (pair === undefined) ways.add(branch.end);
    else byPair.set(pair, [...(byPair.get(pair) ?? []), branch]);
  }
  for (const [pair, alike] of byPair) {
    const [one] = alike;
    const rest =
      alike.length > 1 || one === undefined
        ? forked(alike, at + 1)
        : [...one.pairs.slice(at + 1).map((next) => `"," ${next}`), one.end].join(' ');
    ways.add(`${at === 0 ? '' : '"," '}${pair} ${rest}`);
  }
  return ways.size === 1 ? [...ways].join('') : `(${[...ways].join(' | ')})`;
}
