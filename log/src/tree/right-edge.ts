/** What has to be kept of a tree to add to it: the roots of its complete subtrees, at most one of each height. */
import { EMPTY_ROOT, PORTABLE, type TreeHasher } from '../base/hashing.ts';

interface Subtree {
  /** It covers 2^level leaves. */
  readonly level: number;
  readonly hash: Uint8Array;
}

/** Called for each subtree that became complete, from the lowest up. */
export type OnComplete = (level: number, hash: Uint8Array) => void;

export class RightEdge {
  readonly #hasher: TreeHasher;
  /** From left to right: the largest first. */
  readonly #subtrees: Subtree[] = [];
  #size = 0;

  constructor(hasher: TreeHasher = PORTABLE) {
    this.#hasher = hasher;
  }

  /** How many leaves the tree has. */
  get size(): number {
    return this.#size;
  }

  /** Adds a leaf by its hash, or a complete subtree of 2^level leaves. Throws where a subtree of this height can't begin. */
  push(hash: Uint8Array, level = 0, onComplete?: OnComplete): void {
    if (this.#size % 2 ** level !== 0) throw new RangeError('No subtree of this height begins here.');
    this.#size += 2 ** level;
    let grown: Subtree = { level, hash };
    onComplete?.(level, hash);
    for (
      let left = this.#subtrees.at(-1);
      left !== undefined && left.level === grown.level;
      left = this.#subtrees.at(-1)
    ) {
      this.#subtrees.pop();
      grown = { level: grown.level + 1, hash: this.#hasher.node(left.hash, grown.hash) };
      onComplete?.(grown.level, grown.hash);
    }
    this.#subtrees.push(grown);
  }

  root(): Uint8Array {
    const [last, ...left] = this.#subtrees.toReversed();
    if (last === undefined) return EMPTY_ROOT;
    return left.reduce((right, { hash }) => this.#hasher.node(hash, right), last.hash);
  }
}
