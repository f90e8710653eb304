/** The parameters as they are now: as they were at first, or as a vote has set them. */
import { PARAMETERS } from '@llmesh/core/governance/parameters';
import type { StateValue } from '@llmesh/core/ledger/state';
import type { LedgerStore } from './ledger-store.ts';

const VOTED = 'g/';

export class CurrentParameters {
  readonly #values = new Map<string, number>(Object.entries(PARAMETERS).map(([name, { initial }]) => [name, initial]));

  static async open(store: LedgerStore): Promise<CurrentParameters> {
    const parameters = new CurrentParameters();
    parameters.changed(await store.readAll(VOTED));
    return parameters;
  }

  /** Throws for a name that is not in the table. */
  value(name: string): number {
    const value = this.#values.get(name);
    if (value === undefined) throw new RangeError(`There is no parameter "${name}".`);
    return value;
  }

  changed(state: ReadonlyMap<string, StateValue | undefined>): void {
    for (const [key, value] of state) {
      if (!key.startsWith(VOTED)) continue;
      // Only `parameterKey` writes such keys.
      const [number] = value as readonly [number, number];
      this.#values.set(key.slice(VOTED.length), number);
    }
  }
}
