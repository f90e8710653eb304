/**
 * What a peer has earned: for its account page, for the leaderboard, and for its vote. Only what others paid from credits
 * of their own counts for a vote; no reward, transfer, grant or allowance does. What a peer paid, or sent on, in the same time
 * is subtracted: credits that only go round in a circle would weigh more with every round.
 */
import type { PeerId } from '../base/ids.ts';
import { MOST_COUNTERPARTIES, WINDOW_DAYS, type Counterparty, type DayEarned } from '../governance/weight.ts';
import type { Micro } from './credit.ts';
import type { Draft } from './draft.ts';
import { counterpartiesKey, dayOf, daysKey, earnedKey, voterKey } from './keys.ts';
import type { StateValue } from './state.ts';

/** A vote takes seven days, and looks back from the day when it began. */
const KEPT_DAYS = WINDOW_DAYS + 10;
/** Who paid within so many days keeps its place among the counterparties that are remembered. */
const RECENT_DAYS = 60;

export interface Earned {
  /** For anything, ever; nothing that was reversed is subtracted. */
  readonly all: Micro;
  readonly units: number;
  /** The day that the next four are about. */
  readonly day: number;
  readonly tasks: Micro;
  readonly uptime: Micro;
  readonly audits: Micro;
  /** Of `tasks`: paid by others from their own credits; less what it paid and sent on itself. Below zero where that is more. */
  readonly net: Micro;
  /** When the last receipt of an answer by this peer was filed. */
  readonly servedMs: number;
  /** The last epoch that it was paid for being there. */
  readonly epoch: number;
}

const NOTHING: Earned = {
  ...{ all: 0, units: 0, day: 0, tasks: 0, uptime: 0, audits: 0, net: 0, servedMs: 0, epoch: 0 },
};

export function earnedIn(value: StateValue | undefined): Earned {
  if (value === undefined) return NOTHING;
  const [all, units, day, tasks, uptime, audits, net, servedMs, epoch] = value as readonly number[];
  return { all, units, day, tasks, uptime, audits, net, servedMs, epoch } as Earned;
}

export interface Gain {
  readonly tasks?: Micro;
  readonly uptime?: Micro;
  readonly audits?: Micro;
  readonly net?: Micro;
  readonly units?: number;
  readonly served?: boolean;
  readonly epoch?: number;
}

export function noteEarned(draft: Draft, peer: PeerId, gain: Gain): void {
  const before = earnedIn(draft.get(earnedKey(peer)));
  const day = dayOf(draft.ms);
  const { tasks = 0, uptime = 0, audits = 0, net = 0, units = 0 } = gain;
  const same = before.day === day;
  if (!same && before.net !== 0) closeDay(draft, peer, before);
  const { all, servedMs, epoch } = before;
  draft.set(earnedKey(peer), [
    all + tasks + uptime + audits,
    before.units + units,
    day,
    tasks + (same ? before.tasks : 0),
    uptime + (same ? before.uptime : 0),
    audits + (same ? before.audits : 0),
    net + (same ? before.net : 0),
    gain.served === true ? draft.ms : servedMs,
    gain.epoch ?? epoch,
  ]);
}

function closeDay(draft: Draft, peer: PeerId, { day, net }: Earned): void {
  const days = (draft.get(daysKey(peer)) as readonly DayEarned[] | undefined) ?? [];
  const kept = days.filter(([old]) => old > day - KEPT_DAYS);
  draft.set(daysKey(peer), [...kept, [day, net]]);
}

/** The days on which it earned from others or paid them, the present one too. */
export function daysOf(state: { get(key: string): StateValue | undefined }, peer: PeerId): readonly DayEarned[] {
  const days = (state.get(daysKey(peer)) as readonly DayEarned[] | undefined) ?? [];
  const { day, net } = earnedIn(state.get(earnedKey(peer)));
  return net !== 0 ? [...days, [day, net]] : days;
}

/** `requester` paid `peer` from its own credits. A few of those are remembered: enough to know that there are several. */
export function noteCounterparty(draft: Draft, peer: PeerId, requester: PeerId): void {
  const key = counterpartiesKey(peer);
  const known = (draft.get(key) as readonly Counterparty[] | undefined) ?? [];
  const day = dayOf(draft.ms);
  const at = known.findIndex(([one]) => one === requester);
  if (at >= 0) {
    const [, first, last] = known[at]!;
    if (last < day) draft.set(key, known.with(at, [requester, first, day]));
    return;
  }
  if (known.length < MOST_COUNTERPARTIES) {
    draft.set(key, [...known, [requester, day, day]]);
    if (known.length + 1 === MOST_COUNTERPARTIES) draft.set(voterKey(peer), true);
    return;
  }
  const stale = known.findIndex(([, , last]) => last < day - RECENT_DAYS);
  if (stale >= 0) draft.set(key, known.with(stale, [requester, day, day]));
}
