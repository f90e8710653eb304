/** What a witness remembers, in memory. `onPut` runs before anything is compared. */
import { sameBytes } from '../base/hashing.ts';
import type { Witnessed, WitnessState } from '../witness/witness.ts';

export class MemoryWitness implements WitnessState {
  readonly last = new Map<string, Witnessed>();
  onPut: () => Promise<void> = () => Promise.resolve();

  get(origin: string): Promise<Witnessed | null> {
    return Promise.resolve(this.last.get(origin) ?? null);
  }

  async put(origin: string, before: Witnessed | null, next: Witnessed): Promise<boolean> {
    await this.onPut();
    if (!isSame(this.last.get(origin) ?? null, before)) return false;
    this.last.set(origin, next);
    return true;
  }
}

function isSame(a: Witnessed | null, b: Witnessed | null): boolean {
  if (a === null || b === null) return a === b;
  return a.size === b.size && a.timeS === b.timeS && sameBytes(a.root, b.root);
}
