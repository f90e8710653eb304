/** What lowered schemas may cost that are read as one. */
import { MAX_NODES, MAX_REPEATS, MAX_REPEATS_IN_ALL } from '../json-schema.ts';
import { Spellings } from '../spelt/spellings.ts';

/** Steps on the way: merging a schema with others can take many more than come out. */
const MAX_STEPS = 65_536;

export class SchemaBudget {
  #nodes = MAX_NODES;
  #repeats = MAX_REPEATS_IN_ALL;
  #steps = MAX_STEPS;
  #spellings = new Spellings();

  /** Whether one more schema fits, which took so many steps. */
  node(steps: number): boolean {
    this.#nodes -= 1;
    this.#steps -= steps;
    return this.#nodes >= 0 && this.#steps >= 0;
  }

  /** Whether a grammar can count so far. */
  repeat(times: number): boolean {
    if (times > MAX_REPEATS || times > this.#repeats) return false;
    this.#repeats -= times;
    return true;
  }

  get spellings(): Spellings {
    return this.#spellings;
  }

  /** For an attempt that may fail. */
  copy(): SchemaBudget {
    const copy = new SchemaBudget();
    copy.take(this);
    return copy;
  }

  take(other: SchemaBudget): void {
    this.#nodes = other.#nodes;
    this.#repeats = other.#repeats;
    this.#steps = other.#steps;
    this.#spellings = other.#spellings.copy();
  }
}
