/**
 * Keeps the ledger's tables small: what the tiles of the log have for good is moved into files or forgotten here after a while, and
 * what no event can ask for any more at once.
 */
import type { Clock } from '@llmesh/core/base/clock';
import type { PeerId } from '@llmesh/core/base/ids';
import { forgettable, forgottenDay } from '@llmesh/core/ledger/keys';
import type { LedgerStore } from './ledger-store.ts';
import type { Past } from './past/past.ts';
import { BUNDLE_EVENTS, type PastRow } from './past/past-bundle.ts';
import { touchedBy } from './touched.ts';

const EVERY_MS = 10_000;
/** The pause when more is left: enough for ten times as many events as any computer writes. */
const AGAIN_MS = 20;
/** Rows that are forgotten in one go: some milliseconds. */
const AT_ONCE = 2_048;

export interface LedgerLimits {
  /** The newest leaves, about 1.2 KB each: the log reads them, and whoever follows it closely. */
  readonly leaves: number;
  /** The newest events with their postings, about 700 bytes each: what people see of their past without files. */
  readonly entries: number;
}
export const LEDGER_LIMITS: LedgerLimits = { leaves: 100_000, entries: 500_000 };

export interface UpkeepNeeds {
  store: Pick<LedgerStore, 'prune' | 'forget' | 'oldest' | 'entries' | 'past'>;
  past: Pick<Past, 'keep'>;
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

  async #forget(): Promise<boolean> {
    const { store, past, now, limits, at } = this.#needs;
    return sweep({ store, past, limits }, at(), now());
  }
}

/** Once. True: there is more to forget. */
export async function sweep(
  { store, past, limits }: Pick<UpkeepNeeds, 'store' | 'past' | 'limits'>,
  { size, final }: ReturnType<UpkeepNeeds['at']>,
  nowMs: number,
): Promise<boolean> {
  const below = (kept: number) => Math.max(0, Math.min(final, size - kept));
  const [leaves, entries] = [below(limits.leaves), below(limits.entries)];
  const archived = await archive(store, past, entries, AT_ONCE);
  await store.prune({ leaves, entries: archived.below }, AT_ONCE, archived.past);
  for (const prefix of forgettable(forgottenDay(nowMs))) {
    const [kind = ''] = prefix.split('/');
    await store.forget(`${kind}/`, prefix, AT_ONCE);
  }
  const { leaf, entry } = await store.oldest();
  return leaf < leaves || entry + BUNDLE_EVENTS <= entries;
}

interface Archived {
  /** The tables may forget events before this one. */
  readonly below: number;
  /** Of the peers whom those touch: the last one that did. */
  readonly past: ReadonlyMap<PeerId, number>;
}

/**
 * Whole files of events before `below`, at most so many. They are on the disk when it resolves; done again after a crash, it makes
 * the same files.
 */
async function archive(
  store: Pick<LedgerStore, 'oldest' | 'entries' | 'past'>,
  files: Pick<Past, 'keep'>,
  below: number,
  most: number,
): Promise<Archived> {
  const { entry: from } = await store.oldest();
  const to = Math.floor(Math.min(below, from + most) / BUNDLE_EVENTS) * BUNDLE_EVENTS;
  if (to <= from) return { below: from, past: new Map() };
  const entries = await store.entries(from, to - from);
  const touched = entries.map(({ postings }) => [...touchedBy(postings)]);
  const known = await store.past([...new Set(touched.flat())]);
  const past = new Map<PeerId, number>();
  const rows = entries.map((value, i): PastRow => {
    const { index } = value;
    const before = touched[i]!.map((peer) => [peer, past.get(peer) ?? known.get(peer) ?? null] as const);
    for (const peer of touched[i]!) past.set(peer, index);
    return { index, before, value };
  });
  await files.keep(rows);
  return { below: to, past };
}
