/**
 * The turns of a conversation as they are shown. Those that stand still are plain values that never change in place, and an answer
 * that is being written is watched by itself: a word that comes touches one turn, however many there are.
 */
import { isRunning, type Answer, type ShownTurn } from './turn.ts';
import type { KeptTurn } from './kept-conversation.ts';

export class TurnList {
  #turns = $state.raw<readonly ShownTurn[]>([]);
  /** Those that are being written, by this tab or another. */
  #live = $state.raw<readonly Answer[]>([]);
  /** The places of the turns that are kept, and which turn has each. */
  readonly #orders = new Map<string, number>();
  readonly #ids = new Map<number, string>();

  constructor(kept: readonly KeptTurn[] = []) {
    for (const { order, turn } of kept) this.#setOrder(turn.id, order);
    this.#turns = kept.map(({ turn }) => this.#shown(turn));
  }

  get all(): readonly ShownTurn[] {
    return this.#turns;
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

  /** Shows many turns more, each in its place. */
  putAll(kept: readonly KeptTurn[]): void {
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

  /** Notes where a turn has been kept. */
  place(id: string, order: number): void {
    const turn = this.#turns.findLast((one) => one.id === id);
    if (this.orderOf(id) === order || turn === undefined) return;
    this.#setOrder(id, order);
    this.#turns = this.#withInPlace(turn);
  }

  has(id: string): boolean {
    return this.#turns.some((turn) => turn.id === id);
  }

  remove(ids: readonly string[]): void {
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

  #placeOf({ id }: ShownTurn): number {
    return this.#orders.get(id) ?? Infinity;
  }

  #setOrder(id: string, order: number): void {
    this.#forgetOrder(id);
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
