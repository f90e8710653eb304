/** Moves what events did from the tables into files, before the tables forget it. */
import type { PeerId } from '@llmesh/core/base/ids';
import type { LedgerStore } from './ledger-store.ts';
import type { Past } from './past/past.ts';
import { BUNDLE_EVENTS, type PastRow } from './past/past-bundle.ts';
import { touchedBy } from './touched.ts';

export interface Archived {
  /** The tables may forget events before this one. */
  readonly below: number;
  /** Of the peers whom those touch: the last one that did. */
  readonly past: ReadonlyMap<PeerId, number>;
}

/**
 * Whole files of events before `below`, at most so many. They are on the disk when it resolves; done again after a crash, it makes
 * the same files.
 */
export async function archive(
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
