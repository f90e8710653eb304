/**
 * The turns of a conversation as they are shown. Those that stand still are plain values that never change in place, and an answer
 * that is being written is watched by itself: a word that comes touches one turn, however many there are.
 */
import { Branches, isBranched } from './branches/branches.ts';
import { isRunning, type Answer, type ShownTurn } from './turn.ts';
import type { KeptTurn } from './kept-conversation.ts';

export class TurnList {
  /** Of all branches, in the order of asking. */
  #turns = $state.raw<readonly ShownTurn[]>([]);
  #tip = $state.raw<string | null>(null);
  #isWhole = $state.raw(true);
  /** What those follow that are not kept yet and name nothing: the end of what was shown when they were asked. */
  readonly #behind = new Map<string, string>();
  readonly #branches = $derived(new Branches(this.#turns, { isWhole: this.#isWhole, behind: this.#behind }));
  /** Where there is one line only, all of it, without a look at the branches. */
  readonly #line = $derived(isBranched(this.#turns) ? this.#branches.line(this.#tip) : this.#turns);
  /** Those that are being written, by this tab or another. */
  #live = $state.raw<readonly Answer[]>([]);
  /** The places of the turns that are kept, and which turn has each. */
  readonly #orders = new Map<string, number>();
  readonly #ids = new Map<number, string>();

  /** `tip`: the last turn of the branch that is shown. `isWhole`: no earlier turns are to come. */
  constructor(kept: readonly KeptTurn[] = [], tip: string | null = null, isWhole = true) {
    this.#tip = tip;
    this.#isWhole = isWhole;
    for (const { order, turn } of kept) this.#setOrder(turn.id, order);
    this.#turns = kept.map(({ turn }) => this.#shown(turn));
  }

  /** Those of the branch that is shown. */
  get all(): readonly ShownTurn[] {
    return this.#line;
  }

  /** Those of all branches, in the order of asking. */
  get known(): readonly ShownTurn[] {
    return this.#turns;
  }

  /** Shows the branch through this turn. */
  set tip(id: string | null) {
    this.#tip = id;
  }

  /** The line up to this turn, whichever branch is shown. */
  lineTo(id: string): readonly ShownTurn[] {
    return this.#branches.lineTo(id);
  }

  /** What this turn follows; null: nothing. */
  parentOf(id: string): string | null {
    return this.#branches.parentOf(id);
  }

  /** The turns that stand in the same place in other branches, and this one, oldest first. */
  versionsOf(id: string): readonly string[] {
    return this.#branches.versionsOf(id);
  }

  /** Those that follow this turn. */
  childrenOf(id: string): readonly string[] {
    return this.#branches.childrenOf(id);
  }

  /** The last turn of the newest line through this one. */
  leafOf(id: string): string | null {
    return this.#branches.leafOf(id);
  }

  /** Adds what is asked after all that is shown. */
  follow(turn: ShownTurn): void {
    const last = this.#line.at(-1);
    if (last !== undefined) this.#behind.set(turn.id, last.id);
    this.put(turn);
  }

  get live(): readonly Answer[] {
    return this.#live;
  }

  get answers(): Answer[] {
    return this.#turns.filter((turn) => turn.role === 'assistant');
  }

  answer(id: string): Answer | null {
    const turn = this.#turns.find((one) => one.id === id);
    return turn?.role === 'assistant' ? turn : null;
  }

  /** null: it is not kept yet. */
  orderOf(id: string): number | null {
    return this.#orders.get(id) ?? null;
  }

  idAt(order: number): string | null {
    return this.#ids.get(order) ?? null;
  }

  /** Those that are not kept yet, in the order of asking. */
  get unkept(): ShownTurn[] {
    return this.#turns.filter(({ id }) => !this.#orders.has(id)).map(plain);
  }

  /** Shows a turn as it is now, in its place; one that is not kept yet stands behind all others. */
  put(turn: ShownTurn, order: number | null = this.orderOf(turn.id)): void {
    // Those that change are nearly always the last.
    const at = this.#turns.findLastIndex(({ id }) => id === turn.id);
    const there = this.#turns[at];
    const live = this.#live.find(({ id }) => id === turn.id);
    const moved = order !== this.orderOf(turn.id);
    if (order !== null) this.#setOrder(turn.id, order);
    if (live !== undefined && turn.role === 'assistant' && isRunning(turn)) {
      if (there !== turn) Object.assign(live, turn);
      if (moved) this.#turns = this.#withInPlace(live);
      return;
    }
    if (live !== undefined) this.#live = this.#live.filter((one) => one !== live);
    const shown = this.#shown(plain(turn));
    if (at >= 0 && !moved) this.#turns = this.#turns.with(at, shown);
    else this.#turns = this.#withInPlace(shown);
  }

  /** Shows the earlier turns, each in its place: now they are all here. */
  putAll(kept: readonly KeptTurn[]): void {
    this.#isWhole = true;
    for (const { order, turn } of kept) this.#setOrder(turn.id, order);
    const turns = [...kept.map(({ turn }) => this.#shown(turn)), ...this.#turns];
    this.#turns = turns.toSorted((a, b) => {
      const [one, other] = [this.#placeOf(a), this.#placeOf(b)];
      return one === other ? 0 : one - other;
    });
  }

  /** What was written here comes to rest as it is now. */
  rest(id: string): void {
    const live = this.#live.find((one) => one.id === id);
    if (live !== undefined && !isRunning(live)) this.put(live);
  }

  /** All turns are here. */
  set isWhole(isWhole: boolean) {
    this.#isWhole = isWhole;
  }

  /** Notes where a turn has been kept, and what it follows there. */
  place(id: string, order: number, after?: ShownTurn['after']): void {
    const turn = this.#turns.findLast((one) => one.id === id);
    if (turn === undefined) return;
    if (after !== undefined && turn.after !== after) this.#follows(turn, after);
    if (this.orderOf(id) === order) return;
    this.#setOrder(id, order);
    this.#turns = this.#withInPlace(turn);
  }

  has(id: string): boolean {
    return this.#turns.some((turn) => turn.id === id);
  }

  /** Takes these out; what followed them follows what came before. */
  remove(ids: readonly string[]): void {
    if (isBranched(this.#turns)) {
      const branches = this.#branches;
      const gone = new Set(ids);
      this.#tip = branches.leftBefore(this.#tip, gone);
      for (const turn of this.#turns) {
        if (typeof turn.after === 'string' && gone.has(turn.after)) {
          this.#follows(turn, branches.leftBefore(turn.after, gone));
        }
      }
    }
    for (const id of ids) this.#forgetOrder(id);
    this.#turns = this.#turns.filter(({ id }) => !ids.includes(id));
    if (this.#live.some(({ id }) => ids.includes(id))) this.#live = this.#live.filter(({ id }) => !ids.includes(id));
  }

  /** An answer that is being written can be changed in place; the page watches it. */
  #shown(turn: ShownTurn): ShownTurn {
    if (turn.role === 'user' || !isRunning(turn)) return turn;
    const live = $state(turn);
    this.#live = [...this.#live, live];
    return live;
  }

  /** All turns, with this one in its place. Whatever is asked comes last: its place is looked for from the end. */
  #withInPlace(turn: ShownTurn): ShownTurn[] {
    const turns = this.#turns.filter((one) => one.id !== turn.id);
    const before = turns.findLastIndex((one) => this.#placeOf(one) <= this.#placeOf(turn));
    turns.splice(before + 1, 0, turn);
    return turns;
  }

  #follows(turn: ShownTurn, after: string | null): void {
    const live = this.#live.find(({ id }) => id === turn.id);
    if (live !== undefined) live.after = after;
    else this.#turns = this.#turns.map((one) => (one === turn ? { ...one, after } : one));
  }

  #placeOf({ id }: ShownTurn): number {
    return this.#orders.get(id) ?? Infinity;
  }

  #setOrder(id: string, order: number): void {
    this.#forgetOrder(id);
    // Its record says what it follows.
    this.#behind.delete(id);
    this.#orders.set(id, order);
    this.#ids.set(order, id);
  }

  #forgetOrder(id: string): void {
    const order = this.#orders.get(id);
    if (order !== undefined && this.#ids.get(order) === id) this.#ids.delete(order);
    this.#orders.delete(id);
  }
}

/** A copy that nobody watches, to be kept or compared. */
export function plain<T extends ShownTurn>(turn: T): T {
  return $state.snapshot(turn) as T;
}
