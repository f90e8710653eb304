/** What happened to a peer, back to its first event: the newest events are in the tables, those of long ago in files. */
import type { PeerId } from '@llmesh/core/base/ids';
import type { LedgerEntry, LedgerStore } from './ledger-store.ts';
import type { Past } from './past/past.ts';

export interface HistoryPage {
  /** The newest first. */
  readonly entries: readonly LedgerEntry[];
  /** There may be more, before this index, although there are fewer than were asked for; null: there are none. */
  readonly next: number | null;
}

export class History {
  readonly #store: Pick<LedgerStore, 'history' | 'entries' | 'past' | 'oldest'>;
  readonly #past: Pick<Past, 'history' | 'row'>;

  constructor(
    store: Pick<LedgerStore, 'history' | 'entries' | 'past' | 'oldest'>,
    past: Pick<Past, 'history' | 'row'>,
  ) {
    this.#store = store;
    this.#past = past;
  }

  /** Those before this index that touch this peer. Rejects as `Past.history` does. */
  async of(peer: PeerId, before: number, most: number): Promise<HistoryPage> {
    const entries = await this.#store.history(peer, before, most);
    const last = entries.length === most ? undefined : (await this.#store.past([peer])).get(peer);
    if (last === undefined) return { entries, next: null };
    // What was moved between these two questions was told by the first.
    const older = await this.#past.history(peer, last, entries.at(-1)?.index ?? before, most - entries.length);
    return { entries: [...entries, ...older.rows.map(({ value }) => value as LedgerEntry)], next: older.next };
  }

  /** Null: it is not kept any more. */
  async entry(index: number): Promise<LedgerEntry | null> {
    const [entry] = await this.#store.entries(index, 1);
    if (entry?.index === index) return entry;
    return ((await this.#past.row(index))?.value ?? null) as LedgerEntry | null;
  }
}
