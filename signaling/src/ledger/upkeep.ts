/**
 * Keeps the ledger's tables small: what the tiles of the log have for good is forgotten here after a while, and what no
 * event can ask for any more at once.
 */
import type { Clock } from '@llmesh/core/base/clock';
import { forgettable, forgottenDay } from '@llmesh/core/ledger/keys';
import type { LedgerStore } from './ledger-store.ts';

const EVERY_MS = 10_000;
/** The pause when more is left: enough for ten times as many events as any computer writes. */
const AGAIN_MS = 20;
/** Rows that are forgotten in one go: some milliseconds. */
const AT_ONCE = 2_000;

export interface LedgerLimits {
  /** The newest leaves, about 1.2 KB each: the log reads them, and whoever follows it closely. */
  readonly leaves: number;
  /** The newest events with their postings, about 700 bytes each: what people see of their past without the tiles. */
  readonly entries: number;
}
export const LEDGER_LIMITS: LedgerLimits = { leaves: 100_000, entries: 500_000 };

export interface UpkeepNeeds {
  store: Pick<LedgerStore, 'prune' | 'forget' | 'oldest'>;
  clock: Clock;
  /** Milliseconds since 1970. */
  now: () => number;
  limits: LedgerLimits;
  /** How many events there are, and how many of them are final, hence in the tiles. */
  at: () => { readonly size: number; readonly final: number };
  failed: (error: unknown) => void;
}

export class Upkeep {
  readonly #needs: UpkeepNeeds;
  #stopTimer: () => void;
  #sweeping: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(needs: UpkeepNeeds) {
    this.#needs = needs;
    this.#stopTimer = needs.clock.after(EVERY_MS, () => this.#sweep());
  }

  /** Idempotent. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#stopTimer();
    await this.#sweeping;
  }

  #sweep(): void {
    const { clock, failed } = this.#needs;
    this.#sweeping = this.#forget()
      .catch((thrown: unknown) => {
        failed(thrown);
        return false;
      })
      .then((more) => {
        if (!this.#closed) this.#stopTimer = clock.after(more ? AGAIN_MS : EVERY_MS, () => this.#sweep());
      });
  }

  /** True: there is more to forget. */
  async #forget(): Promise<boolean> {
    const { store, now, limits, at } = this.#needs;
    const { size, final } = at();
    const below = (kept: number) => Math.max(0, Math.min(final, size - kept));
    const [leaves, entries] = [below(limits.leaves), below(limits.entries)];
    await store.prune({ leaves, entries }, AT_ONCE);
    for (const prefix of forgettable(forgottenDay(now()))) {
      const [kind = ''] = prefix.split('/');
      await store.forget(`${kind}/`, prefix, AT_ONCE);
    }
    const { leaf, entry } = await store.oldest();
    return leaf < leaves || entry < entries;
  }
}
