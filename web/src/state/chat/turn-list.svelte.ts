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
  /** The places of the turns that are kept. */
  readonly #orders = new Map<string, number>();

  constructor(kept: readonly KeptTurn[] = []) {
    for (const { order, turn } of kept) this.#orders.set(turn.id, order);
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
    for (const [id, one] of this.#orders) if (one === order) return id;
    return null;
  }

  /** Those that are not kept yet, in the order of asking. */
  get unkept(): ShownTurn[] {
    return this.#turns.filter(({ id }) => !this.#orders.has(id)).map(plain);
  }

  /** Shows a turn as it is now, in its place; one that is not kept yet stands behind all others. */
  put(turn: ShownTurn, order: number | null = this.orderOf(turn.id)): void {
    const at = this.#turns.findIndex(({ id }) => id === turn.id);
    const there = this.#turns[at];
    const live = this.#live.find(({ id }) => id === turn.id);
    const moved = order !== this.orderOf(turn.id);
    if (order !== null) this.#orders.set(turn.id, order);
    if (live !== undefined && turn.role === 'assistant' && isRunning(turn)) {
      if (there !== turn) Object.assign(live, turn);
      if (moved) this.#turns = this.#sorted(this.#turns);
      return;
    }
    if (live !== undefined) this.#live = this.#live.filter((one) => one !== live);
    const shown = this.#shown(plain(turn));
    if (at >= 0 && !moved) this.#turns = this.#turns.with(at, shown);
    else this.#turns = this.#sorted([...this.#turns.filter(({ id }) => id !== turn.id), shown]);
  }

  /** What was written here comes to rest as it is now. */
  rest(id: string): void {
    const live = this.#live.find((one) => one.id === id);
    if (live !== undefined && !isRunning(live)) this.put(live);
  }

  /** Notes where a turn has been kept. */
  place(id: string, order: number): void {
    if (this.orderOf(id) === order || !this.has(id)) return;
    this.#orders.set(id, order);
    this.#turns = this.#sorted(this.#turns);
  }

  has(id: string): boolean {
    return this.#turns.some((turn) => turn.id === id);
  }

  remove(ids: readonly string[]): void {
    for (const id of ids) this.#orders.delete(id);
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

  #sorted(turns: readonly ShownTurn[]): ShownTurn[] {
    const place = ({ id }: ShownTurn) => this.#orders.get(id) ?? Infinity;
    // Infinity less itself is no number.
    return turns.toSorted((a, b) => (place(a) === place(b) ? 0 : place(a) - place(b)));
  }
}

/** A copy that nobody watches, to be kept or compared. */
export function plain<T extends ShownTurn>(turn: T): T {
  return $state.snapshot(turn) as T;
}
