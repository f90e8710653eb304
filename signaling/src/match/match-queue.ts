/**
 * A queue for the same offer. Fair to people, not to requests: turns go round the wide networks, in each round its
 * narrow ones, and in these round the identities, so that neither fifty questions nor fifty identities from one place
 * hold up someone with one.
 */
import type { Holder } from '../sockets/shares.ts';

/** Those that share a network, or one requester's questions. */
interface Group<T> {
  size: number;
  /** In the order of their turns; after a turn a part goes to the end. */
  readonly parts: Map<string, Group<T>>;
  /** The questions of one requester. */
  readonly own: T[];
}

export class MatchQueue<T extends { readonly holder: Holder }> {
  readonly #all: Group<T> = newGroup();

  get size(): number {
    return this.#all.size;
  }

  /** From how many wide networks questions wait. */
  get networks(): number {
    return this.#all.parts.size;
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

  /** No longer wanted: its requester keeps its turn for the others. Does nothing for one that is not here. */
  remove(one: T): void {
    this.#remove(one, false);
  }

  /** Its turn has come: others have theirs before its requester, and before its networks, have another. */
  take(one: T): void {
    this.#remove(one, true);
  }

  /** Next first. Nobody may come or go until it ends. */
  inTurn(): Iterable<T> {
    return turns(this.#all);
  }

  /** The next one that `suits` accepts, among the first `most`. */
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
    const groups = this.#groupsOf(wanted);
    let position = (groups?.at(-1)?.own.indexOf(wanted) ?? -1) + 1;
    if (groups === null || position === 0) return 0;
    // From its requester outwards: in each round before its own all have a turn, in its own those before it.
    for (let depth = groups.length - 2; depth >= 0; depth--) {
      const [round, own] = [position, groups[depth + 1]];
      let isBefore = true;
      for (const part of groups[depth]!.parts.values()) {
        if (part === own) isBefore = false;
        else position += Math.min(part.size, isBefore ? round : round - 1);
      }
    }
    return position;
  }

  /** All groups that it is part of, from the whole queue to its requester; null: its requester is not here. */
  #groupsOf(one: T): Group<T>[] | null {
    const groups = [this.#all];
    for (const key of path(one)) {
      const part = groups.at(-1)?.parts.get(key);
      if (part === undefined) return null;
      groups.push(part);
    }
    return groups;
  }

  #remove(one: T, hadTurn: boolean): void {
    const groups = this.#groupsOf(one);
    const own = groups?.at(-1)?.own ?? [];
    const place = own.indexOf(one);
    if (groups === null || place < 0) return;
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

/** One of each part, round after round, until all had a turn. Lazy: nobody is looked at before it is needed. */
function* turns<T>({ parts, own }: Group<T>): Generator<T, void, undefined> {
  yield* own;
  let going: Iterator<T, unknown>[] = [];
  let left: Iterable<Iterator<T, unknown>> = begun(parts);
  do {
    going = [];
    for (const part of left) {
      const turn = part.next();
      if (turn.done === true) continue;
      yield turn.value;
      going.push(part);
    }
    left = going;
  } while (going.length > 0);
}

function* begun<T>(parts: ReadonlyMap<string, Group<T>>): Generator<Iterator<T, unknown>> {
  for (const part of parts.values()) yield part.parts.size === 0 ? part.own.values() : turns(part);
}
