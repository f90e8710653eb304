/**
 * Who waits for one model. Fair to people, not to requests: a round gives every asker a turn, so whoever has fifty questions
 * here does not keep waiting who has one.
 */
import type { PeerId } from '@llmesh/core/ids';

export class WaitingLine<T extends { readonly asker: PeerId }> {
  /** In the order of their turns; who had one goes to the end. */
  readonly #askers = new Map<PeerId, T[]>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  add(one: T): void {
    const own = this.#askers.get(one.asker);
    if (own === undefined) this.#askers.set(one.asker, [one]);
    else own.push(one);
    this.#size++;
  }

  /** Not wanted any more: its asker keeps its turn for the others. Does nothing for one that is not here. */
  remove(one: T): void {
    const own = this.#askers.get(one.asker);
    const place = own?.indexOf(one) ?? -1;
    if (own === undefined || place < 0) return;
    own.splice(place, 1);
    if (own.length === 0) this.#askers.delete(one.asker);
    this.#size--;
  }

  /** Its turn has come: others have theirs before its asker has another. */
  take(one: T): void {
    this.remove(one);
    const rest = this.#askers.get(one.asker);
    if (rest === undefined) return;
    this.#askers.delete(one.asker);
    this.#askers.set(one.asker, rest);
  }

  /** Next first. Nobody may come or go until it ends. */
  *inTurn(): Generator<T> {
    let left = this.#size;
    for (let round = 0; left > 0; round++) {
      for (const own of this.#askers.values()) {
        const one = own[round];
        if (one === undefined) continue;
        yield one;
        left--;
      }
    }
  }

  /** The next of those whom `suits` names. */
  next(suits: (one: T) => boolean): T | null {
    for (const one of this.inTurn()) if (suits(one)) return one;
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
}
