/** What happened to our credits, one entry for each event of the ledger: an event may change several of our accounts. */
import type { Micro } from '@llmesh/core/ledger/credit';
import { REASONS, type PostingReason } from '@llmesh/core/ledger/posting';
import type { PostingView } from '@llmesh/core/wire/credit-pages';

export interface Entry extends Pick<
  PostingView,
  'index' | 'ms' | 'other' | 'lease' | 'model' | 'units' | 'why' | 'final'
> {
  /** What it is mainly about. Undefined: a newer control plane has a reason that is not known here. */
  reason: PostingReason | undefined;
  /** What came to us, or went. 0: it only moved between our accounts. */
  net: Micro;
  /** What moved between our accounts, at most: of an entry that changed nothing else. */
  moved: Micro;
  parts: readonly PostingView[];
}

/** From postings in any order, the newest event first. A posting that comes twice counts once. */
export function entriesOf(postings: readonly PostingView[]): Entry[] {
  const byIndex = new Map<number, PostingView[]>();
  for (const posting of postings) {
    const parts = byIndex.get(posting.index) ?? [];
    if (!parts.some((part) => same(part, posting))) parts.push(posting);
    byIndex.set(posting.index, parts);
  }
  return [...byIndex.values()].map(entryOf).toSorted((a, b) => b.index - a.index);
}

/** Of its reasons, the one that changed most of what we have in all: an answer that was paid also brings back what was left. */
function entryOf(parts: readonly PostingView[]): Entry {
  const sums = new Map<string, Micro>();
  for (const { reason, amount } of parts) sums.set(reason, (sums.get(reason) ?? 0) + amount);
  const [main] = [...sums].toSorted(([, a], [, b]) => Math.abs(b) - Math.abs(a))[0]!;
  const { index, ms, other, lease, model, units, why, final } = parts.find(({ reason }) => reason === main)!;
  const came = (of: readonly PostingView[]) => of.reduce((sum, { amount }) => sum + amount, 0);
  return {
    ...{ index, ms, other, lease, model, units, why, final, parts },
    reason: REASONS.find((known) => known === main),
    net: came(parts),
    moved: came(parts.filter(({ amount }) => amount > 0)),
  };
}

function same(a: PostingView, b: PostingView): boolean {
  return a.account === b.account && a.reason === b.reason && a.amount === b.amount && a.other === b.other;
}
