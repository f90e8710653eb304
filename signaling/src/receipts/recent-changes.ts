/**
 * What was written last, until the ledger has it: it reads in memory what it would otherwise read from the disk. Keeps
 * nothing before somebody asks, since in a mesh without credits nobody ever does.
 */
import type { PeerId } from '@llmesh/core/base/ids';
import type { Delivered } from './delivered.ts';
import { changeOf } from './delivery-rows.ts';
import type { DeliveryChange } from './delivery-store.ts';

/** About 2 KB each. Whoever is further behind reads from the disk. */
const MAX_RECENT = 4_096;

export class RecentChanges {
  /** By the name of the lease, in the order of their changes. */
  readonly #recent = new Map<string, { readonly delivered: Delivered; readonly change: number }>();
  /** All changes after this one are here. */
  #from = Infinity;
  #isWanted = false;

  /** It is on the disk, under a number that is higher than all before. */
  add(name: string, delivered: Delivered, change: number): void {
    if (!this.#isWanted) return;
    if (this.#from === Infinity) this.#from = change - 1;
    this.#recent.delete(name);
    this.#recent.set(name, { delivered, change });
    if (this.#recent.size > MAX_RECENT) this.#dropTo(this.#oldest());
  }

  /** As `DeliveryStore.changes`, which is never asked again for those up to `after`. Null: they are on the disk alone. */
  after(after: number, most: number, issuer: PeerId): DeliveryChange[] | null {
    this.#isWanted = true;
    if (after < this.#from) return null;
    this.#dropTo(after);
    const changes: DeliveryChange[] = [];
    for (const { delivered, change } of this.#recent.values()) {
      if (changes.length === most) break;
      changes.push(changeOf(delivered, change, issuer));
    }
    return changes;
  }

  #oldest(): number {
    for (const { change } of this.#recent.values()) return change;
    return this.#from;
  }

  #dropTo(last: number): void {
    for (const [name, { change }] of this.#recent) {
      if (change > last) break;
      this.#recent.delete(name);
    }
    this.#from = last;
  }
}
