/**
 * What emission pays those who keep models for others. It comes out of what an epoch has for being there, and never more than the
 * part that is set aside for it. Which share counts the control plane says, since it alone knows networks and targets; that somebody
 * else found the bytes there, and how many they are, stands in the signed report.
 */
import type { PeerId } from '../../base/ids.ts';
import type { StorageReport } from '../../proof/keeping/storage-report.ts';
import { MAX_KEPT } from '../../wire/candidate.ts';
import { accountOf } from '../account.ts';
import type { Draft } from '../draft.ts';
import { earnedIn, noteEarned } from '../earned.ts';
import { budgetOf, EPOCH_MS } from '../emission.ts';
import { earnedKey, keeperKey, STORAGE, UPTIME } from '../keys.ts';
import { parameter, partOf } from '../parameter.ts';
import { refused } from '../refusal.ts';
import { emissionPart } from './founding.ts';
import { firstEpoch, SERVED_WITHIN_MS } from './given.ts';

/** Whoever keeps so many bytes, or more, gets the most. */
export const FULL_BYTES = 34_359_738_368;
/** An epoch is paid for within so many epochs of its end, or never. */
const PAID_WITHIN_EPOCHS = 48;
const WHOLE = 1_000;

export interface StorageEvidence {
  readonly epoch: number;
  readonly shares: readonly { readonly share: number; readonly report: StorageReport }[];
}

/** The most thousandths that a model of this size counts for. */
export function shareOfBytes(sizeBytes: number): number {
  return Math.min(WHOLE, Math.ceil((WHOLE * sizeBytes) / FULL_BYTES));
}

/** What was paid for keeping models in this epoch. */
export function storagePaid(draft: Draft, epoch: number): number {
  return paidIn(draft).find(([one]) => one === epoch)?.[1] ?? 0;
}

/** Several events may pay for one epoch, each for other copies. */
export function payStorage(draft: Draft, { epoch, shares }: StorageEvidence): void {
  const endMs = (epoch + 1) * EPOCH_MS;
  if (endMs > draft.ms) throw refused('This hour is not over.');
  const [lastUptime, uptimePaid] = (draft.get(UPTIME) as readonly [number, number] | undefined) ?? [0, 0];
  if (epoch < Math.max(lastUptime, firstEpoch(draft)) || endMs + PAID_WITHIN_EPOCHS * EPOCH_MS < draft.ms)
    throw refused('The time to pay for this hour is over.');
  const forBeingThere = partOf(budgetOf(epoch - firstEpoch(draft)), emissionPart(draft, 'uptime'));
  const before = storagePaid(draft, epoch);
  const set = partOf(forBeingThere, parameter(draft, 'storage-share')) - before;
  const left = forBeingThere - before - (epoch === lastUptime ? uptimePaid : 0);
  const budget = Math.max(0, Math.min(set, left));
  const all = shares.reduce((sum, { share }) => sum + share, 0);
  const cap = parameter(draft, 'storage-cap');
  const leastStake = parameter(draft, 'minimum-stake');
  let sum = 0;
  for (const { share, report } of shares) {
    const { keeper } = report;
    check(draft, epoch, share, report);
    if (earnedIn(draft.get(earnedKey(keeper))).servedMs + SERVED_WITHIN_MS < endMs)
      throw refused('One of these volunteers has answered nobody for a week.');
    const bonded = draft.balance(accountOf('stake', keeper)) >= leastStake;
    const amount = bonded ? Math.min(partOf(cap, share), Math.floor(budget / all) * share) : 0;
    draft.move(amount, 'emission', accountOf('free', keeper), 'storage');
    noteEarned(draft, keeper, { uptime: amount });
    sum += amount;
  }
  const others = paidIn(draft).filter(([one]) => one !== epoch && one > epoch - 2 * PAID_WITHIN_EPOCHS);
  draft.set(
    STORAGE,
    [...others, [epoch, before + sum] as const].toSorted(([a], [b]) => a - b).slice(-2 * PAID_WITHIN_EPOCHS),
  );
}

/** Notes that this copy is paid for in this epoch. Throws order_refused where it may not be. */
function check(draft: Draft, epoch: number, share: number, { keeper, ...report }: StorageReport): void {
  if (report.outcome !== 'kept') throw refused('This report does not say that the model was there.');
  if (report.epoch !== epoch) throw refused('This report is about another hour.');
  if (share > shareOfBytes(report.sizeBytes)) throw refused('A model of this size does not count for so much.');
  const [last, sum, contents] = keptBy(draft, keeper);
  if (last > epoch) throw refused('One of these volunteers was paid for a later hour already.');
  const [paid, known] = last === epoch ? [sum, contents] : [0, []];
  if (known.includes(report.content)) throw refused('This copy was paid for in this hour already.');
  if (known.length >= MAX_KEPT || paid + share > WHOLE) throw refused('Nobody is paid for keeping more than that.');
  draft.set(keeperKey(keeper), [epoch, paid + share, [...known, report.content]]);
}

function keptBy(draft: Draft, keeper: PeerId): readonly [number, number, readonly string[]] {
  return (draft.get(keeperKey(keeper)) as readonly [number, number, readonly string[]] | undefined) ?? [0, 0, []];
}

function paidIn(draft: Draft): readonly (readonly [number, number])[] {
  return (draft.get(STORAGE) as readonly (readonly [number, number])[] | undefined) ?? [];
}
