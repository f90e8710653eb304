/**
 * What a projection remembers between two events, by key: the port behind which a map, libsql or PostgreSQL stands. The
 * same events lead to the same state everywhere.
 */
export type StateValue = null | boolean | number | string | readonly StateValue[];

export interface LedgerState {
  get(key: string): StateValue | undefined;
  /** Undefined: forget it. */
  set(key: string, value: StateValue | undefined): void;
  /** The keys that begin so, in code-unit order. Slow: only for what happens seldom. */
  keys(prefix: string): Iterable<string>;
}

/** In memory. By what stands before the first stroke, so that looking for keys with one does not look at all. */
export class MemoryState implements LedgerState {
  readonly #rooms = new Map<string, Map<string, StateValue>>();

  get(key: string): StateValue | undefined {
    return this.#rooms.get(roomOf(key))?.get(key);
  }

  set(key: string, value: StateValue | undefined): void {
    const name = roomOf(key);
    let room = this.#rooms.get(name);
    if (value === undefined) room?.delete(key);
    else {
      if (room === undefined) this.#rooms.set(name, (room = new Map()));
      room.set(key, value);
    }
  }

  keys(prefix: string): string[] {
    const rooms = prefix.includes('/') ? [this.#rooms.get(roomOf(prefix))] : this.#rooms.values();
    const all: string[] = [];
    for (const room of rooms) for (const key of room?.keys() ?? []) if (key.startsWith(prefix)) all.push(key);
    return all.sort();
  }
}

function roomOf(key: string): string {
  const end = key.indexOf('/');
  return end < 0 ? '' : key.slice(0, end);
}
