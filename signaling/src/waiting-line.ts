/**
 * Who waits for the same. Fair to people, not to requests: turns go round the wide networks, in each round its narrow ones,
 * and in these round the identities, so that neither fifty questions nor fifty identities of one place keep waiting who has
 * one.
 */
import type { Holder } from './shares.ts';

/** Those who share a network, or one asker. */
interface Group<T> {
  size: number;
  /** In the order of their turns; who had one goes to the end. */
  readonly parts: Map<string, Group<T>>;
  /** Of one asker. */
  readonly own: T[];
}

export class WaitingLine<T extends { readonly holder: Holder }> {
  readonly #all: Group<T> = newGroup();

  get size(): number {
    return this.#all.size;
  }

  add(one: T): void {
    let group = this.#all;
    group.size++;
    for (const key of path(one)) {
      let part = group.parts.get(key);
      if (part === undefined) group.parts.set(key, (part = newGroup()));
      part.size++;
      group = part;
    }
    group.own.push(one);
  }

  /** Not wanted any more: its asker keeps its turn for the others. Does nothing for one that is not here. */
  remove(one: T): void {
    this.#remove(one, false);
  }

  /** Its turn has come: others have theirs before its asker, and before its networks, have another. */
  take(one: T): void {
    this.#remove(one, true);
  }

  /** Next first. Nobody may come or go until it ends. */
  inTurn(): Iterable<T> {
    return turns(this.#all);
  }

  /** The next of those whom `suits` names, among the first `most`. */
  next(suits: (one: T) => boolean, most = Infinity): T | null {
    let left = most;
    for (const one of this.inTurn()) {
      if (suits(one)) return one;
      if (--left <= 0) return null;
    }
    return null;
  }

  /** 1: the next; 0: not here. */
  position(wanted: T): number {
    let position = 0;
    for (const one of this.inTurn()) {
      position++;
      if (one === wanted) return position;
    }
    return 0;
  }

  #remove(one: T, hadTurn: boolean): void {
    const groups = [this.#all];
    for (const key of path(one)) {
      const part = groups.at(-1)?.parts.get(key);
      if (part === undefined) return;
      groups.push(part);
    }
    const own = groups.at(-1)?.own ?? [];
    const place = own.indexOf(one);
    if (place < 0) return;
    own.splice(place, 1);
    for (const group of groups) group.size--;
    path(one).forEach((key, depth) => {
      const [whole, part] = groups.slice(depth, depth + 2) as [Group<T>, Group<T>];
      if (hadTurn || part.size === 0) whole.parts.delete(key);
      if (hadTurn && part.size > 0) whole.parts.set(key, part);
    });
  }
}

function path({ holder: { peer, from } }: { readonly holder: Holder }): readonly string[] {
  return [from.wide, from.narrow, peer];
}

function newGroup<T>(): Group<T> {
  return { size: 0, parts: new Map(), own: [] };
}

/** One of each part, round after round, until all had theirs. */
function* turns<T>({ parts, own }: Group<T>): Generator<T, void, undefined> {
  yield* own;
  let left = Array.from(parts.values(), turns);
  // Nobody to take turns with.
  if (left.length === 1) return yield* left[0]!;
  while (left.length > 0) {
    const going: Generator<T, void, undefined>[] = [];
    for (const part of left) {
      const { done, value } = part.next();
      if (done === true) continue;
      yield value as T;
      going.push(part);
    }
    left = going;
  }
}
