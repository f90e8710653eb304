/** Finds names in a schema that no value can ever match. */
import type { JsonShape } from './json-shape.ts';

type Named = ReadonlyMap<string, JsonShape>;

/** A name that stands for nothing but itself, through any number of others; null: there is none. */
export function onlyItself(named: Named): string | null {
  const under = new Set<string>();
  const done = new Set<string>();
  const find = (name: string): string | null => {
    if (done.has(name)) return null;
    if (under.has(name)) return name;
    under.add(name);
    for (const next of new Set(beginsWith(named.get(name)))) {
      const found = find(next);
      if (found !== null) return found;
    }
    done.add(name);
    return null;
  };
  return firstOf(named.keys(), find);
}

/** A name whose values can never be complete, as each needs another one inside; null: there is none. */
export function neverWhole(named: Named): string | null {
  const whole = new Set<string>();
  let before = -1;
  while (whole.size > before) {
    before = whole.size;
    for (const [name, shape] of named) if (canBeWhole(shape, whole)) whole.add(name);
  }
  return firstOf(named.keys(), (name) => (whole.has(name) ? null : name));
}

/** Whether the shape has a value that ends, provided that `names` have one. */
function canBeWhole(shape: JsonShape, names: ReadonlySet<string>): boolean {
  switch (shape.kind) {
    case 'named':
      return names.has(shape.name);
    case 'choice':
      return shape.shapes.some((one) => canBeWhole(one, names));
    case 'list':
      return shape.minItems === 0 || canBeWhole(shape.items, names);
    case 'object':
      return shape.required.every(([, value]) => canBeWhole(value, names));
    default:
      return true;
  }
}

/** The names that may stand at the very beginning of such a value. */
function beginsWith(shape: JsonShape | undefined): string[] {
  if (shape?.kind === 'named') return [shape.name];
  return shape?.kind === 'choice' ? shape.shapes.flatMap(beginsWith) : [];
}

function firstOf(names: Iterable<string>, find: (name: string) => string | null): string | null {
  for (const name of names) {
    const found = find(name);
    if (found !== null) return found;
  }
  return null;
}
