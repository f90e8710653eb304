/**
 * Who holds how much of a scarce resource, counted by network and by identity, since identities are free. While there
 * is enough, one may hold it all. When it is used up, a peer that holds less takes the newest from the one that holds
 * most, so that the smallest share is as large as can be (max–min fairness): first among wide networks, within one
 * among narrow ones, within these among identities.
 */
import type { PeerId } from '@llmesh/core/base/ids';
import type { Networks } from './address.ts';
import { LatestSet } from './latest-set.ts';

export interface Holder {
  readonly peer: PeerId;
  readonly from: Networks;
}

interface Share<T> {
  size: number;
  readonly parts: Map<string, Share<T>>;
  /** Keys of `parts` by their size: the largest is found without a search. */
  readonly bySize: LatestSet[];
  /** What an identity holds, oldest first. */
  readonly items: T[];
}

export class Shares<T extends object> {
  readonly #all: Share<T> = newShare();
  readonly #holders = new Map<T, Holder>();

  get size(): number {
    return this.#all.size;
  }

  /** All items in the order in which they were taken. */
  items(): Iterable<T> {
    return this.#holders.keys();
  }

  /** What this identity holds. */
  ofPeer({ peer, from }: Holder): readonly T[] {
    return this.#all.parts.get(from.wide)?.parts.get(from.narrow)?.parts.get(peer)?.items ?? [];
  }

  /** What this narrow network holds, all identities together. */
  ofNetwork({ narrow, wide }: Networks): number {
    return this.#all.parts.get(wide)?.parts.get(narrow)?.size ?? 0;
  }

  holderOf(item: T): Holder | null {
    return this.#holders.get(item) ?? null;
  }

  add(item: T, holder: Holder): void {
    this.#holders.set(item, holder);
    this.#change(holder, (items) => items.push(item), 1);
  }

  /** Does nothing for an unknown item. */
  remove(item: T): void {
    const holder = this.#holders.get(item);
    if (holder === undefined) return;
    this.#holders.delete(item);
    this.#change(holder, (items) => items.splice(items.indexOf(item), 1), -1);
  }

  /** The item to give up so that this one may hold one more; null: nobody holds enough more than it does. */
  yielding(newcomer: Holder): T | null {
    let share: Share<T> | undefined = this.#all;
    for (const key of path(newcomer)) {
      const [most, own]: [Share<T> | null, Share<T> | undefined] = [largest(share), share.parts.get(key)];
      if (most !== null && most !== own && most.size > (own?.size ?? 0) + 1) return newest(most);
      if (own === undefined) return null;
      share = own;
    }
    return null;
  }

  #change(holder: Holder, change: (items: T[]) => void, by: 1 | -1): void {
    const walked: [Share<T>, string, Share<T>][] = [];
    let share = this.#all;
    for (const key of path(holder)) {
      let part = share.parts.get(key);
      if (part === undefined) share.parts.set(key, (part = newShare()));
      walked.push([share, key, part]);
      share = part;
    }
    change(share.items);
    for (const [whole, key, part] of walked) {
      whole.bySize[part.size]?.delete(key);
      part.size += by;
      if (part.size === 0) whole.parts.delete(key);
      else (whole.bySize[part.size] ??= new LatestSet()).add(key);
      while (whole.bySize.length > 0 && !((whole.bySize.at(-1)?.size ?? 0) > 0)) whole.bySize.pop();
    }
    this.#all.size += by;
  }
}

/** An identity counts where it comes from: in two networks it has a share in each. */
function path({ peer, from }: Holder): readonly string[] {
  return [from.wide, from.narrow, peer];
}

function newShare<T>(): Share<T> {
  return { size: 0, parts: new Map(), bySize: [], items: [] };
}

/** The largest share; in a tie, the one that reached this size last. */
function largest<T>({ bySize, parts }: Share<T>): Share<T> | null {
  return parts.get(bySize.at(-1)?.latest ?? '') ?? null;
}

function newest<T>(share: Share<T>): T | null {
  let part: Share<T> | null = share;
  while (part !== null && part.items.length === 0) part = largest(part);
  return part?.items.at(-1) ?? null;
}
