/**
 * Flattens choices of choices into choices of plain shapes, each of them once. A few lines of schema can spell out the same
 * thing in more ways than there are atoms, by names that stand for choices of names; engines would follow each of them.
 */
import { MeshError } from '../base/errors.ts';
import { childrenOf, isContainer, resolved, type JsonSchema, type JsonShape } from './json-shape.ts';

/** The most alternatives of all choices together: a name in many of them counts each time. */
const MAX_ALTERNATIVES = 4_096;

type Text = Extract<JsonShape, { kind: 'string' }>;

/** Numbers as `json-grammar.ts` writes them. */
const INTEGER = /^-?(?:0|[1-9]\d{0,14})$/;
const NUMBER = /^-?(?:0|[1-9]\d{0,14})(?:\.\d{1,15})?(?:e[-+]?\d{1,2})?$/;
/** Texts that `any` cannot write: those with one certain character, and numbers with more digits than those above. */
const NOT_ANY = /\x7f|\d{16}|e[-+]?\d{3}/;

/**
 * Returns an equivalent schema: no choice in it contains a choice, or a name of one, or two shapes of which one is enough.
 * Throws bad_schema for more than can be checked.
 */
export function plainChoices({ root, named }: JsonSchema): JsonSchema {
  const shapes = new Map(Object.entries(named));
  const flat = new Map<JsonShape, JsonShape[]>();
  const keys = new Map<JsonShape, string>();
  let counted = 0;
  const count = (shape: JsonShape): void => {
    counted += shape.kind === 'values' ? shape.values.length : 1;
    if (counted <= MAX_ALTERNATIVES) return;
    throw new MeshError('bad_schema', 'The JSON schema has too many alternatives in all. Make it simpler.');
  };
  const keyOf = (shape: JsonShape): string => {
    const key = keys.get(shape) ?? JSON.stringify(shape);
    keys.set(shape, key);
    return key;
  };

  /** All plain shapes of a choice, also through names. */
  const alternatives = (shape: JsonShape): JsonShape[] => {
    const found = flat.get(shape);
    if (found !== undefined) return found;
    const all = new Set<JsonShape>();
    const seen = new Set<JsonShape>();
    const todo = [shape];
    for (let at = todo.pop(); at !== undefined; at = todo.pop()) {
      if (seen.has(at)) continue;
      seen.add(at);
      if (at.kind === 'choice') todo.push(...at.shapes.toReversed());
      else if (at.kind === 'named' && !isContainer(resolved(at, shapes))) todo.push(resolved(at, shapes));
      else {
        count(at);
        all.add(at);
      }
    }
    flat.set(shape, [...all]);
    return [...all];
  };

  const plain = (shape: JsonShape): JsonShape => {
    switch (shape.kind) {
      case 'choice': {
        const kept = needed(alternatives(shape), (one) => keyOf(resolved(one, shapes))).map(plain);
        return kept.length === 1 && kept[0] !== undefined ? kept[0] : { kind: 'choice', shapes: kept };
      }
      case 'list':
        return { ...shape, items: plain(shape.items) };
      case 'map':
        return { kind: 'map', values: plain(shape.values) };
      case 'object': {
        const each = ([name, value]: [string, JsonShape]): [string, JsonShape] => [name, plain(value)];
        return { kind: 'object', required: shape.required.map(each), optional: shape.optional.map(each) };
      }
      default:
        return shape;
    }
  };

  hoist(root, shapes);
  const names = [...shapes.keys()];
  return { root: plain(root), named: Object.fromEntries(names.map((name) => [name, plain(shapes.get(name)!)])) };
}

/** Gives names to lists and objects in named choices, so that they stand once even where the choice is a part of others. */
function hoist(root: JsonShape, shapes: Map<string, JsonShape>): void {
  const inChoices = new Set<string>();
  const note = (shape: JsonShape): void => {
    if (shape.kind === 'choice') for (const one of shape.shapes) if (one.kind === 'named') inChoices.add(one.name);
    for (const inner of childrenOf(shape)) note(inner);
  };
  for (const shape of [root, ...shapes.values()]) note(shape);
  // The set grows by names that another name merely stands for.
  for (const name of inChoices) {
    const hoisted = (shape: JsonShape, at: string): JsonShape => {
      if (shape.kind === 'choice') {
        return { kind: 'choice', shapes: shape.shapes.map((one, i) => hoisted(one, `${at}/${i}`)) };
      }
      if (!isContainer(shape)) return shape;
      let own = at;
      while (shapes.has(own)) own += "'";
      shapes.set(own, shape);
      return { kind: 'named', name: own };
    };
    const shape = shapes.get(name);
    if (shape?.kind === 'named') inChoices.add(shape.name);
    if (shape?.kind === 'choice') shapes.set(name, hoisted(shape, name));
  }
}

/** Those of `shapes` that no other one covers, in order. `keyOf`: equal keys mean equal shapes. */
function needed(shapes: readonly JsonShape[], keyOf: (shape: JsonShape) => string): JsonShape[] {
  const distinct = [...new Map(shapes.map((shape) => [keyOf(shape), shape])).values()];
  const kinds = new Set(distinct.map(({ kind }) => kind));
  const texts = joined(distinct.filter((shape) => shape.kind === 'string'));
  const hasAnyText = texts.some(({ minLength, maxLength }) => minLength === 0 && maxLength === null);
  const values = distinct.flatMap((shape) => (shape.kind === 'values' ? shape.values : []));
  const anyObject = distinct.find((shape) => shape.kind === 'map' && shape.values.kind === 'any');
  const anyList = distinct.find((shape) => shape.kind === 'list' && isAnyList(shape));
  const spoken = (value: string) =>
    (kinds.has('any') && !NOT_ANY.test(value)) ||
    (kinds.has('number') && NUMBER.test(value)) ||
    (kinds.has('integer') && INTEGER.test(value)) ||
    (kinds.has('boolean') && (value === 'true' || value === 'false')) ||
    (kinds.has('null') && value === 'null') ||
    texts.some((text) => holds(text, value));
  const left = [...new Set(values)].filter((value) => !spoken(value));
  const firstText = distinct.find(({ kind }) => kind === 'string');
  const firstValues = distinct.find(({ kind }) => kind === 'values');
  return distinct.flatMap((shape): JsonShape[] => {
    if (shape === firstValues && left.length > 0) return [{ kind: 'values', values: left }];
    if (shape.kind === 'values' || (kinds.has('any') && shape.kind !== 'any')) return [];
    if (shape.kind === 'spelt' && (shape.isQuoted ? hasAnyText : kinds.has('number'))) return [];
    if (shape.kind === 'string') return shape === firstText ? texts : [];
    if (shape.kind === 'integer' && kinds.has('number')) return [];
    if (shape.kind === 'object' || shape.kind === 'map')
      return anyObject === undefined || shape === anyObject ? [shape] : [];
    if (shape.kind === 'list') return anyList === undefined || shape === anyList ? [shape] : [];
    return [shape];
  });
}

function isAnyList({ items, minItems, maxItems }: Extract<JsonShape, { kind: 'list' }>): boolean {
  return items.kind === 'any' && minItems === 0 && maxItems === null;
}

/** Joins strings whose lengths overlap or are adjacent. */
function joined(texts: readonly Text[]): Text[] {
  const apart: Text[] = [];
  for (const text of texts.toSorted((a, b) => a.minLength - b.minLength)) {
    const last = apart.at(-1);
    if (last === undefined || (last.maxLength !== null && text.minLength > last.maxLength + 1)) apart.push({ ...text });
    else if (last.maxLength !== null) {
      last.maxLength = text.maxLength === null ? null : Math.max(last.maxLength, text.maxLength);
    }
  }
  return apart;
}

/** Whether the value, as JSON, is such a string. */
function holds({ minLength, maxLength }: Text, value: string): boolean {
  if (!value.startsWith('"') || value.includes('\x7f')) return false;
  const { length } = Array.from(JSON.parse(value) as string);
  return length >= minLength && length <= (maxLength ?? length);
}
