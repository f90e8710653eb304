/** What emission gives, never more than its schedule allows by now. */
import type { PeerAccount } from '../account.ts';
import { accountOf } from '../account.ts';
import type { PeerId } from '../../base/ids.ts';
import type { Micro } from '../credit.ts';
import type { Draft } from '../draft.ts';
import { epochOf, partScheduled, type EmissionPart } from '../emission.ts';
import { ALLOWANCES, AT, DAY_MS, TASKS } from '../keys.ts';
import { emissionPart } from './founding.ts';
import type { PostingReason } from '../posting.ts';

/** Who answered nobody for longer than this is paid nothing for being there, nor for keeping anything. */
export const SERVED_WITHIN_MS = 7 * DAY_MS;
const POOLS = { tasks: TASKS, allowances: ALLOWANCES } as const;
type Pool = Exclude<EmissionPart, 'uptime'>;

/** The epoch of the first event: the schedule begins there. */
export function firstEpoch(draft: Draft): number {
  const [, , first] = draft.get(AT) as readonly [number, number, number];
  return first;
}

/** What is left of this part by now. */
export function leftOf(draft: Draft, pool: Pool): Micro {
  const epochs = epochOf(draft.ms) - firstEpoch(draft) + 1;
  return partScheduled(epochs, emissionPart(draft, pool)) - draft.number(POOLS[pool]);
}

/** At most `amount`, and what it was. */
export function give(
  draft: Draft,
  pool: Pool,
  amount: Micro,
  to: { readonly peer: PeerId; readonly account: PeerAccount; readonly reason: PostingReason },
): Micro {
  const given = Math.min(amount, leftOf(draft, pool));
  draft.set(POOLS[pool], draft.number(POOLS[pool]) + given);
  draft.move(given, 'emission', accountOf(to.account, to.peer), to.reason);
  return given;
}

/** It goes back to emission, which may give it again. */
export function giveBack(
  draft: Draft,
  pool: Pool,
  amount: Micro,
  from: { readonly peer: PeerId; readonly account: PeerAccount; readonly reason: PostingReason },
): void {
  draft.set(POOLS[pool], draft.number(POOLS[pool]) - amount);
  draft.move(amount, accountOf(from.account, from.peer), 'emission', from.reason);
}
