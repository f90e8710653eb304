/**
 * The grammar of a JSON schema, which holds every token of an answer to it. It is built here and not by the engines' own converters:
 * these differ in what they skip silently, and take schemas of any size from strangers.
 */
import { MeshError } from '../base/errors.ts';
import { choice, many, optional, repeat, rowText, rule, set, text } from './grammar.ts';
import type { Grammar, GrammarNode, Row } from './grammar.ts';
import { resolved, type JsonSchema, type JsonShape } from './json-shape.ts';
import { oneOf } from './literals.ts';
import { speltRules } from './spelt-rules.ts';

const ANY = rule('any');
const CHAR = rule('char');
const INTEGER = rule('integer');
const STRING = rule('string');
const QUOTE = text('"');
const COMMA = text(',');
const COLON = text(':');
const NOTHING = repeat([], 0, 0);
const DIGIT = set('[0-9]');
const SIGNIFICANT = set('[1-9]');
const HEX_DIGITS = repeat([set('[0-9a-fA-F]')], 4, 4, '{4}');
const ESCAPED = choice([set('["\\\\/bfnrt]')], [text('u'), HEX_DIGITS]);
const FRACTION = optional(text('.'), repeat([DIGIT], 1, 15));
const EXPONENT = optional(set('[eE]'), optional(set('[-+]')), repeat([DIGIT], 1, 2));

/** There is no white space between tokens, in which a weak model could lose itself. */
const BASE: Grammar = new Map<string, readonly Row[]>([
  ['char', [[set('[^"\\\\\\x00-\\x1F\\x7F]')], [text('\\'), ESCAPED]]],
  ['string', [[QUOTE, many(CHAR), QUOTE]]],
  ['integer', [[optional(text('-')), choice([text('0')], [SIGNIFICANT, repeat([DIGIT], 0, 14)])]]],
  ['number', [[INTEGER, FRACTION, EXPONENT]]],
  ['boolean', [[text('true')], [text('false')]]],
  ['null', [[text('null')]]],
  ['any', ['string', 'number', 'boolean', 'null', 'anyobject', 'anylist'].map((name) => [rule(name)])],
  ['anyobject', [[text('{'), optional(STRING, COLON, ANY, many(COMMA, STRING, COLON, ANY)), text('}')]]],
  ['anylist', [[text('['), optional(ANY, many(COMMA, ANY)), text(']')]]],
]);

/** An object in a choice: the pairs that it must have, and how it continues to its end. */
interface Branch {
  pairs: Row[];
  end: Row;
}

/** The grammar of `schema`. Throws bad_schema for bounds that no reader lets through. */
export function jsonGrammar({ root, named }: JsonSchema): Grammar {
  const shapes = new Map(Object.entries(named));
  const nameOf = new Map(Object.keys(named).map((name, i) => [name, `named${i}`]));
  const rules = new Map<string, { name: string; row: Row }>();
  const choices = new Map<string, string>();
  const chosen = new Map<string, readonly Row[]>();
  const spelt = new Map<string, string>();
  /** The same row is the same rule: engines follow it once, wherever it is referred to. */
  const add = (...row: Row): GrammarNode => {
    const key = rowText(row);
    const known = rules.get(key) ?? { name: `rule${rules.size}`, row };
    rules.set(key, known);
    return rule(known.name);
  };
  /** A node that may stand anywhere. */
  const write = (shape: JsonShape): GrammarNode => {
    switch (shape.kind) {
      case 'any':
      case 'number':
      case 'integer':
      case 'boolean':
      case 'null':
        return rule(shape.kind);
      case 'string': {
        const { minLength, maxLength } = shape;
        if (minLength === 0 && maxLength === null) return STRING;
        // It is a rule of its own, as llama.cpp spells repetitions out, and refuses repetitions of what is spelt out.
        return add(QUOTE, bounded([CHAR], minLength, maxLength), QUOTE);
      }
      case 'spelt':
        return writeSpelt(shape);
      case 'values': {
        const [only] = shape.values;
        return shape.values.length === 1 && only !== undefined ? text(only) : add(...oneOf(shape.values));
      }
      case 'choice':
        return writeChoice(shape);
      case 'list':
        return add(...list(write(shape.items), shape.minItems, shape.maxItems));
      case 'map': {
        const entry = add(STRING, COLON, write(shape.values));
        return add(text('{'), optional(entry, many(COMMA, entry)), text('}'));
      }
      case 'object': {
        const { pairs, end } = branch(shape);
        return add(text('{'), ...(pairs.length === 0 ? [NOTHING] : joined(pairs)), ...end);
      }
      case 'named':
        return rule(nameOf.get(shape.name) ?? 'any');
      default:
        return shape satisfies never;
    }
  };
  const writeSpelt = (shape: Extract<JsonShape, { kind: 'spelt' }>): GrammarNode => {
    const key = JSON.stringify(shape);
    const known = spelt.get(key) ?? `spelt${spelt.size}`;
    if (!spelt.has(key)) {
      spelt.set(key, known);
      for (const [name, ways] of speltRules(shape, known)) chosen.set(name, ways);
    }
    return rule(known);
  };
  const pair = ([name, shape]: [string, JsonShape]): Row => [text(JSON.stringify(name)), COLON, write(shape)];
  const branches = new Map<JsonShape, Branch>();
  const branch = (shape: Extract<JsonShape, { kind: 'object' }>): Branch => {
    const known = branches.get(shape) ?? {
      pairs: shape.required.map(pair),
      end: endOf(shape.required.length, shape.optional.map(pair), add),
    };
    branches.set(shape, known);
    return known;
  };
  /** Objects that begin with the same pairs are one up to where they part: otherwise engines would follow each of them. */
  const waysOf = (alternatives: readonly JsonShape[]): Row[] => {
    const ways: Row[] = [];
    const byFirst = new Map<string, JsonShape[]>();
    for (const shape of alternatives) {
      const target = resolved(shape, shapes);
      const [first] = target.kind === 'object' ? target.required : [];
      const key = JSON.stringify(first);
      if (first === undefined) ways.push([write(shape)]);
      else byFirst.set(key, [...(byFirst.get(key) ?? []), shape]);
    }
    for (const alike of byFirst.values()) {
      const objects = alike.map((shape) => resolved(shape, shapes)).filter((shape) => shape.kind === 'object');
      if (alike.length === 1) ways.push(alike.map(write));
      else ways.push([add(text('{'), ...forked(objects.map(branch)))]);
    }
    return ways;
  };
  const writeChoice = (shape: Extract<JsonShape, { kind: 'choice' }>): GrammarNode => {
    const key = JSON.stringify(shape);
    let name = choices.get(key);
    if (name === undefined) {
      name = `choice${choices.size}`;
      // The name is set before the choice is written, as that may lead back to itself.
      choices.set(key, name);
      chosen.set(name, waysOf(shape.shapes));
    }
    return rule(name);
  };
  const begin = write(root);
  const definitions = [...shapes].map(([name, shape]) => [nameOf.get(name) ?? name, [[write(shape)]]] as const);
  const own = [...rules.values()].map(({ name, row }) => [name, [row]] as const);
  return new Map<string, readonly Row[]>([['root', [[begin]]], ...definitions, ...chosen, ...own, ...BASE]);
}

/** Engines spell repetitions out, and would never end with a minimum above the maximum. */
function bounded(row: Row, least: number, most: number | null): GrammarNode {
  if (most !== null && least > most)
    throw new MeshError('bad_schema', 'In the JSON schema, a minimum is above its maximum.');
  return repeat(row, least, most);
}

function list(item: GrammarNode, least: number, most: number | null): Row {
  if (most === 0) return [text('['), bounded([item], least, most), text(']')];
  const more = bounded([COMMA, item], Math.max(0, least - 1), most === null ? null : most - 1);
  return [text('['), ...(least === 0 ? [optional(item, more)] : [item, more]), text(']')];
}

/** Optional keys come behind required ones: the order of keys means nothing in JSON. */
function endOf(required: number, pairs: readonly Row[], add: (...row: Row) => GrammarNode): Row {
  // Each pair may follow any of those before it.
  const beginnings: Row[] = [];
  let rest: GrammarNode = NOTHING;
  for (const one of pairs.toReversed()) {
    const entry = add(...one);
    beginnings.unshift([entry, rest]);
    rest = add(optional(COMMA, entry), rest);
  }
  if (required > 0) return [rest, text('}')];
  return [...(beginnings.length === 0 ? [] : [optional(choice(...beginnings))]), text('}')];
}

/** `branches` have their pairs before `at` in common. */
function forked(branches: readonly Branch[], at = 0): Row {
  const ends = new Map<string, Row>();
  const byPair = new Map<string, [Branch, ...Branch[]]>();
  for (const branch of branches) {
    const pair = branch.pairs[at];
    if (pair === undefined) {
      ends.set(rowText(branch.end), branch.end);
      continue;
    }
    const alike = byPair.get(rowText(pair));
    if (alike === undefined) byPair.set(rowText(pair), [branch]);
    else alike.push(branch);
  }
  const ways = [...ends.values()];
  for (const alike of byPair.values()) {
    const [{ pairs, end }] = alike;
    const own = alike.length === 1 ? pairs.slice(at) : pairs.slice(at, at + 1);
    const rest = alike.length === 1 ? end : forked(alike, at + 1);
    ways.push([...(at === 0 ? [] : [COMMA]), ...joined(own), ...rest]);
  }
  return ways.length === 1 ? ways.flat() : [choice(...ways)];
}

function joined(pairs: readonly Row[]): Row {
  return pairs.flatMap((row, i) => (i === 0 ? row : [COMMA, ...row]));
}
