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

export class MemoryState implements LedgerState {
  readonly #values = new Map<string, StateValue>();

  get(key: string): StateValue | undefined {
    return this.#values.get(key);
  }

  set(key: string, value: StateValue | undefined): void {
    if (value === undefined) this.#values.delete(key);
    else this.#values.set(key, value);
  }

  keys(prefix: string): string[] {
    return [...this.#values.keys()].filter((key) => key.startsWith(prefix)).sort();
  }
}
