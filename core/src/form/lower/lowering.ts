/** One attempt to lower a schema, down to so many levels: see `lowered-schema.ts`. */
import { MAX_CHOICES } from '../json-schema.ts';
import { LoweredTypes, typesOf } from './lowered-types.ts';
import { pointedAt } from './schema-pointer.ts';
import { Gaps } from './schema-gaps.ts';
import type { SchemaBudget } from './schema-budget.ts';
import { assertionsOf } from './schema-keywords.ts';
import { isObject, refused } from '../schema-node.ts';
import type { Part, RawPart } from './schema-part.ts';

/** A value follows `plain`, and one of each of `choices`. */
interface Sorted {
  plain: Part[];
  choices: Part[];
  /** The references that were followed on the way. */
  followed: ReadonlySet<string>;
}

export class Lowering {
  readonly gaps = new Gaps();
  readonly #root: unknown;
  readonly #isObject: boolean;
  readonly #levels: number;
  readonly #budget: SchemaBudget;
  readonly #types: LoweredTypes;
  readonly #names = new Map<string, string>();
  readonly #definitions: Record<string, object> = {};

  /** `isOfObject`: its values are objects, whatever it says. */
  constructor(root: unknown, levels: number, budget: SchemaBudget, isOfObject: boolean) {
    this.#root = root;
    this.#isObject = isOfObject;
    this.#levels = levels;
    this.#budget = budget;
    this.#types = new LoweredTypes(budget, this.gaps, (parts, level) => this.#lowered(parts, level, new Set()));
  }

  /** Throws bad_schema. */
  lower(): object {
    const own = { node: this.#root, at: '#' };
    const root = this.#lowered(this.#isObject ? [own, { node: { type: 'object' }, at: '#' }] : [own], 0, new Set());
    if (root === null) throw refused('#', 'can have no value');
    return this.#names.size === 0 ? root : { ...root, $defs: this.#definitions };
  }

  /** Null: there is no value. */
  #lowered(parts: readonly RawPart[], level: number, followed: ReadonlySet<string>): object | null {
    const sorted = this.#sorted(parts, followed);
    if (sorted === null) return null;
    const { plain, choices } = sorted;
    const steps = plain.reduce((sum, { node }) => sum + Object.keys(node).length, 1);
    if (level > this.#levels || !this.#budget.node(steps)) return this.#loosened([...plain, ...choices]);
    const [part] = plain;
    if (part === undefined && choices.length === 0) return {};
    if (plain.length === 1 && choices.length === 0 && part !== undefined && isReference(part))
      return this.#reference(part, level);
    if (choices.length > 0) return this.#chosen(sorted, level);
    return this.#types.lowered(plain, level);
  }

  /** Puts all that is to be followed side by side. Null: there is no value. Throws for what is no schema. */
  #sorted(parts: readonly RawPart[], before: ReadonlySet<string>): Sorted | null {
    const plain: Part[] = [];
    const choices: Part[] = [];
    const followed = new Set(before);
    const todo = parts.toReversed();
    for (let part = todo.pop(); part !== undefined; part = todo.pop()) {
      const { node, at } = part;
      if (node === false) return null;
      if (node === true) continue;
      if (!isObject(node)) throw refused(at, 'is not a schema');
      const { allOf, ...rest } = node as Record<string, unknown>;
      if (Array.isArray(allOf)) {
        if (!this.#budget.node(allOf.length)) this.gaps.add(at, 'allOf');
        else todo.push(...allOf.map((one, i) => ({ node: one as unknown, at: `${at}/allOf/${i}` })).toReversed());
      }
      const assertions = assertionsOf(rest);
      if (assertions.length === 0) continue;
      const alone = todo.length === 0 && plain.length === 0 && choices.length === 0;
      const keyword = REFERENCES.find((key) => typeof rest[key] === 'string');
      if (keyword !== undefined && !(alone && assertions.length === 1)) {
        const { [keyword]: target, ...beside } = rest;
        todo.push({ node: beside, at });
        const name = String(target);
        const found = pointedAt(this.#root, name);
        if (found === undefined || followed.has(name)) this.gaps.add(at, keyword);
        else todo.push({ node: found, at: name });
        followed.add(name);
      } else if (rest['nullable'] === true) {
        const { nullable: _, ...beside } = rest;
        choices.push({ node: { anyOf: [beside, { type: 'null' }] }, at });
      } else if (ofChoice(rest) !== undefined) {
        const { anyOf, oneOf, ...beside } = rest;
        if (anyOf !== undefined) choices.push({ node: { anyOf }, at });
        if (oneOf !== undefined) choices.push({ node: { oneOf }, at });
        todo.push({ node: beside, at });
      } else plain.push({ node: rest, at });
    }
    return { plain, choices, followed };
  }

  /** One of all combinations of the choices. */
  #chosen({ plain, choices, followed }: Sorted, level: number): object | null {
    let ways: RawPart[][] = [[]];
    for (const { node, at } of choices) {
      const keyword = ofChoice(node) ?? 'anyOf';
      const list = node[keyword];
      const some = Array.isArray(list)
        ? list.map((one, i): RawPart => ({ node: one, at: `${at}/${keyword}/${i}` }))
        : [];
      if (some.length === 0 || ways.length * some.length > MAX_CHOICES) this.gaps.add(at, keyword);
      else ways = ways.flatMap((way) => some.map((one) => [...way, one]));
    }
    const found = new Map<string, object>();
    for (const way of ways) {
      const lowered = this.#lowered([...plain, ...way], level + 1, followed);
      if (lowered !== null) found.set(JSON.stringify(lowered), lowered);
    }
    const [only] = found.values();
    if (found.has('{}') || only === undefined) return only === undefined ? null : {};
    return found.size === 1 ? only : { anyOf: [...found.values()] };
  }

  #reference({ node, at }: Part, level: number): object | null {
    const keyword = REFERENCES.find((key) => typeof node[key] === 'string') ?? '$ref';
    const target = String(node[keyword]);
    const found = pointedAt(this.#root, target);
    if (found === undefined) return this.#unknown(at, keyword);
    if (found === this.#root) return { $ref: '#' };
    const known = this.#names.get(target);
    if (known !== undefined) return { $ref: `#/$defs/${known}` };
    const name = `${this.#names.size}`;
    this.#names.set(target, name);
    // Where it can have no value, what leads back to it has none either; anything goes there, and is looked at later.
    this.#definitions[name] =
      this.#lowered([{ node: found, at: target }], level + 1, new Set()) ?? this.#unknown(at, keyword);
    return { $ref: `#/$defs/${name}` };
  }

  #unknown(at: string, keyword: string): object {
    this.gaps.add(at, keyword);
    return {};
  }

  /** What is too much: of it only the type stays. */
  #loosened(parts: readonly Part[]): object {
    for (const { node, at } of parts) for (const keyword of assertionsOf(node)) this.gaps.add(at, keyword);
    const types = typesOf(parts);
    const [only] = types ?? [];
    return types?.length === 1 && only !== undefined ? { type: only } : {};
  }
}

const REFERENCES = ['$ref', '$dynamicRef', '$recursiveRef'] as const;

function isReference({ node }: Part): boolean {
  return REFERENCES.some((key) => typeof node[key] === 'string');
}

function ofChoice(node: Record<string, unknown>): 'anyOf' | 'oneOf' | undefined {
  return (['anyOf', 'oneOf'] as const).find((key) => node[key] !== undefined);
}
