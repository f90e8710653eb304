/**
 * The branches of a conversation. Each turn follows one that was there before it: the one it names, or, where it names none, the one
 * kept before it, as in conversations from before there were branches. Turns that follow the same one are versions of each other.
 */
import type { ShownTurn } from '../turn.ts';

type Turn = Pick<ShownTurn, 'id' | 'after'>;

export interface BranchesOptions {
  /** False: earlier turns are still to come, and a line begins where they are missing. */
  isWhole?: boolean;
  /** What those follow that are not kept yet and name nothing. */
  behind?: ReadonlyMap<string, string>;
}

/** Follows nothing. */
const NOTHING = -1;

/** Is there any turn that names what it follows? Else all of them are one line. */
export function isBranched(turns: readonly Turn[]): boolean {
  return turns.some(({ after }) => after !== undefined);
}

/** The turns of the line that is shown: through the turn `tip`, and on by the newest. */
export function lineOf<T extends Turn>(turns: readonly T[], tip: string | null): readonly T[] {
  return isBranched(turns) ? new Branches(turns).line(tip) : turns;
}

/**
 * New turns, as they are to be kept. One that names nothing follows what is shown, `tip`, at the moment of keeping, whatever this tab has
 * seen of it. `tip`: null while there is one line only.
 */
export function placedAfter(
  turns: readonly ShownTurn[],
  tip: string | null,
): { placed: ShownTurn[]; tip: string | null } {
  const placed: ShownTurn[] = [];
  let last = tip;
  for (const turn of turns) {
    placed.push(turn.after === undefined && last !== null ? { ...turn, after: last } : turn);
    // With the first that branches off there are branches.
    if (last !== null || turn.after !== undefined) last = turn.id;
  }
  return { placed, tip: last };
}

export class Branches<T extends Turn> {
  readonly #turns: readonly T[];
  readonly #indexes: ReadonlyMap<string, number>;
  /** The index of what each follows; always a lower one, so that nothing runs in circles, whatever a file or a record says. */
  readonly #parents: readonly number[];
  readonly #children = new Map<number, number[]>();

  /** `turns`: in the order of asking. */
  constructor(turns: readonly T[], { isWhole = true, behind }: BranchesOptions = {}) {
    this.#turns = turns;
    this.#indexes = new Map(turns.map(({ id }, i) => [id, i]));
    this.#parents = turns.map(({ id, after }, i) => {
      const named = after === undefined ? behind?.get(id) : after;
      if (named === null) return NOTHING;
      const parent = named === undefined ? undefined : this.#indexes.get(named);
      if (parent !== undefined && parent < i) return parent;
      // What it names is lost, or not read yet.
      return named !== undefined && !isWhole ? NOTHING : i - 1;
    });
    for (const [i, parent] of this.#parents.entries()) {
      const children = this.#children.get(parent);
      if (children === undefined) this.#children.set(parent, [i]);
      else children.push(i);
    }
  }

  line(tip: string | null): T[] {
    const last = this.#turns.length - 1;
    if (last < 0) return [];
    return this.#to(this.#leaf(this.#indexes.get(tip ?? '') ?? last)).map((i) => this.#turns[i]!);
  }

  /** The line up to this turn; empty where it is not there. */
  lineTo(id: string): T[] {
    const index = this.#indexes.get(id);
    return index === undefined ? [] : this.#to(index).map((i) => this.#turns[i]!);
  }

  /** What it follows; null: nothing. */
  parentOf(id: string): string | null {
    const index = this.#indexes.get(id);
    return index === undefined ? null : this.#idAt(this.#parents[index]!);
  }

  /** All that follow the same turn, this one too, oldest first. */
  versionsOf(id: string): string[] {
    const index = this.#indexes.get(id);
    return index === undefined ? [] : this.#children.get(this.#parents[index]!)!.map((i) => this.#turns[i]!.id);
  }

  /** This one, or where it is gone what came before it. */
  leftBefore(id: string | null, gone: ReadonlySet<string>): string | null {
    let left = id;
    while (left !== null && gone.has(left)) left = this.parentOf(left);
    return left;
  }

  childrenOf(id: string): string[] {
    return (this.#children.get(this.#indexes.get(id) ?? -2) ?? []).map((i) => this.#turns[i]!.id);
  }

  /** The last turn of the newest line through this one. */
  leafOf(id: string): string | null {
    const index = this.#indexes.get(id);
    return index === undefined ? null : this.#idAt(this.#leaf(index));
  }

  #idAt(index: number): string | null {
    return this.#turns[index]?.id ?? null;
  }

  #leaf(index: number): number {
    for (let at = index; ;) {
      const newest = this.#children.get(at)?.at(-1);
      if (newest === undefined) return at;
      at = newest;
    }
  }

  #to(index: number): number[] {
    const line: number[] = [];
    for (let at = index; at !== NOTHING; at = this.#parents[at]!) line.push(at);
    return line.reverse();
  }
}
