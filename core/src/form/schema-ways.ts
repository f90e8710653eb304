/**
 * Counts in how many ways at once a schema lets a text be followed. Engines keep one stack for each, compare them pairwise
 * and try every token on all of them; where a choice that cannot be told apart leads back to itself, they double at each step.
 *
 * The bound rests on this: all readings of a text agree on its objects, lists and keys, as JSON has only one reading, and
 * those that reach the same place by different ways are one again. So there are several only inside a choice, from where its
 * shapes begin to where they part; `shape-pairs.ts` tells where that is.
 */
import { MeshError } from '../base/errors.ts';
import { childrenOf, isContainer, resolved, type Container, type JsonSchema, type JsonShape } from './json-shape.ts';
import { waysOf } from './literals.ts';
import { waysOfSpelling } from './spelt-rules.ts';
import { ShapePairs } from './shape-pairs.ts';

/** How many ways one text may have at any character. An object with 500 optional keys has as many, before the first. */
export const MAX_WAYS = 512;
/** The ways of the rules in `json-grammar.ts` that hold no other shapes, each at its widest. */
const OF_STRING = 4;
const OF_NUMBER = 6;
const OF_ANY = 16;
/** The ways beside those of the shapes inside: a container may continue or end. */
const OF_LIST = 3;
const OF_MAP = 6;
const OF_OBJECT = 2;

/** Counts the ways of a schema that `plain-choices.ts` has simplified. Throws bad_schema: too many, or no bound. */
export function countWays(schema: JsonSchema): number {
  return new Counter(schema).count();
}

class Counter {
  readonly #named: ReadonlyMap<string, JsonShape>;
  readonly #pairs: ShapePairs;
  /** The place of every shape, for errors. */
  readonly #places = new Map<JsonShape, string>();
  /** Shapes that lead back to each other are in one group; those inside it come before it. */
  readonly #groups: JsonShape[][] = [];
  readonly #groupOf = new Map<JsonShape, number>();
  readonly #ways: number[] = [];
  readonly #begunOf = new Map<JsonShape, number>();

  constructor({ root, named }: JsonSchema) {
    this.#named = new Map(Object.entries(named));
    this.#pairs = new ShapePairs(this.#named);
    for (const [place, shape] of [['#', root] as const, ...this.#named]) this.#note(shape, place);
    this.#sort();
  }

  count(): number {
    for (const [group, shapes] of this.#groups.entries()) {
      const ways = this.#countGroup(shapes, group);
      if (ways > MAX_WAYS) {
        throw this.#refused(shapes[0], 'can be followed in too many ways at once. Drop some of its alternatives');
      }
      this.#ways.push(ways);
    }
    return Math.max(...this.#ways);
  }

  #note(shape: JsonShape, place: string): void {
    if (!this.#places.has(shape)) this.#places.set(shape, place);
    const steps =
      shape.kind === 'object'
        ? [...shape.required, ...shape.optional].map(([key]) => `properties/${key}`)
        : childrenOf(shape).map(
            (_, i) => ({ list: 'items', map: 'additionalProperties' })[shape.kind as string] ?? `anyOf/${i}`,
          );
    for (const [i, child] of childrenOf(shape).entries()) this.#note(child, `${place}/${steps[i]}`);
  }

  /** Tarjan's algorithm: https://en.wikipedia.org/wiki/Tarjan%27s_strongly_connected_components_algorithm */
  #sort(): void {
    const index = new Map<JsonShape, number>();
    const path: JsonShape[] = [];
    const visit = (shape: JsonShape): number => {
      const own = index.size;
      index.set(shape, own);
      path.push(shape);
      let lowest = own;
      for (const child of childrenOf(shape)) {
        const target = resolved(child, this.#named);
        if (!index.has(target)) lowest = Math.min(lowest, visit(target));
        else if (!this.#groupOf.has(target)) lowest = Math.min(lowest, index.get(target) ?? own);
      }
      if (lowest === own) {
        const group = path.splice(path.indexOf(shape));
        for (const one of group) this.#groupOf.set(one, this.#groups.length);
        this.#groups.push(group);
      }
      return lowest;
    };
    for (const shape of this.#places.keys()) if (shape.kind !== 'named' && !index.has(shape)) visit(shape);
  }

  /** All ways through one of its shapes: where several are followed, none of them is in this group any more. */
  #countGroup(shapes: readonly JsonShape[], group: number): number {
    const containers = shapes.filter(isContainer);
    const begun = Math.max(0, ...shapes.map((shape) => this.#begun(shape)));
    const own = Math.max(0, ...containers.map(ownWays));
    return Math.max(
      // A number at its possible end is followed together with what comes behind it.
      begun + own,
      ...containers.map((container) => this.#through(container, group)),
      ...shapes.map((shape) => (shape.kind === 'choice' ? this.#throughChoice(shape, group) : this.#begun(shape))),
    );
  }

  /** The ways before anything of it was read, or inside those of its shapes that hold no other. */
  #begun(shape: JsonShape): number {
    const begun =
      this.#begunOf.get(shape) ?? this.#pairs.alternatives(shape).reduce((sum, one) => sum + plainWays(one), 0);
    this.#begunOf.set(shape, begun);
    return begun;
  }

  #through(container: Container, group: number): number {
    const inside = childrenOf(container).map((child) => {
      const target = resolved(child, this.#named);
      const its = this.#groupOf.get(target) ?? 0;
      return its === group ? this.#begun(target) : (this.#ways[its] ?? 0);
    });
    return ownWays(container) + Math.max(0, ...inside);
  }

  #throughChoice(choice: JsonShape, group: number): number {
    const alternatives = this.#pairs.alternatives(choice);
    const containers = alternatives.filter(isContainer);
    const through = containers.map((one) => {
      const its = this.#groupOf.get(one) ?? 0;
      return its === group ? this.#through(one, group) : (this.#ways[its] ?? 0);
    });
    const together = [...through];
    for (const [i, one] of containers.entries()) {
      for (let j = 0; j < i; j += 1) {
        const other = containers[j]!;
        if (!this.#pairs.alike(one, other)) continue;
        const pairs = this.#pairs.together(one, other);
        for (const [mine, its] of pairs) this.#refuseReturn(choice, mine, its, group);
        if (pairs.every(([mine, its]) => isOneValue(mine) && isOneValue(its))) continue;
        together[i]! += through[j]!;
        together[j]! += through[i]!;
      }
      for (const spelt of alternatives.filter(({ kind }) => kind === 'values')) {
        if (!this.#pairs.alike(one, spelt)) continue;
        for (const child of childrenOf(one)) this.#refuseReturn(choice, child, { kind: 'any' }, group);
      }
    }
    return this.#begun(choice) + Math.max(0, ...together);
  }

  /** Values that are read side by side must not lead back to their own choice, or there would be ever more. */
  #refuseReturn(choice: JsonShape, mine: JsonShape, its: JsonShape, group: number): void {
    for (const one of this.#pairs.alternatives(mine)) {
      for (const other of this.#pairs.alternatives(its)) {
        const returns = this.#groupOf.get(one) === group || this.#groupOf.get(other) === group;
        const inside = isContainer(one) || isContainer(other);
        if (returns && inside && this.#pairs.alike(one, other)) {
          throw this.#refused(
            choice,
            'leads back to itself by alternatives that cannot be told apart. Begin each with a required property of another name, or with a "const" of its own',
          );
        }
      }
    }
  }

  #refused(shape: JsonShape | undefined, fault: string): MeshError {
    const place = (shape && this.#places.get(shape)) ?? '#';
    return new MeshError('bad_schema', `In the JSON schema, ${place.slice(0, 200)} ${fault}.`);
  }
}

function ownWays(container: Container): number {
  if (container.kind === 'object') return container.optional.length + OF_OBJECT;
  return container.kind === 'list' ? OF_LIST : OF_MAP;
}

function plainWays(shape: JsonShape): number {
  switch (shape.kind) {
    case 'any':
      return OF_ANY;
    case 'string':
      return OF_STRING;
    case 'number':
    case 'integer':
      return OF_NUMBER;
    case 'values':
      return waysOf(shape.values);
    case 'spelt':
      return waysOfSpelling(shape.spelling);
    case 'boolean':
      return 2;
    default:
      return 1;
  }
}

function isOneValue(shape: JsonShape): boolean {
  return shape.kind === 'values' && shape.values.length === 1;
}
