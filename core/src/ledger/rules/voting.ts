/** Proposals and ballots become leaves like everything else, so whoever recounts the log recounts the votes. */
import type { PeerId } from '../../base/ids.ts';
import { MAX_OPEN, objection } from '../../governance/proposal.ts';
import { counted, NO_BALLOTS, passed, quorumOf, type Ballot, type Choice } from '../../governance/tally.ts';
import { capOf, weightOf, type Counterparty } from '../../governance/weight.ts';
import { isParameter } from '../../governance/parameters.ts';
import { accountOf } from '../account.ts';
import type { Draft } from '../draft.ts';
import { daysOf } from '../earned.ts';
import type { Enact } from '../event.ts';
import { ballotKey, counterpartiesKey, dayOf, OPEN_PROPOSALS, parameterKey, proposalKey, VOTERS } from '../keys.ts';
import { changedMs, parameter } from '../parameter.ts';
import { closesMs, inForceMs, proposalAt, proposalRow, standingOf } from '../proposals.ts';
import { refused } from '../refusal.ts';
import { needs, unbond } from './stake.ts';

/** Who earned from others within so many days counts as active for the quorum. */
const ACTIVE_DAYS = 30;

export function propose(draft: Draft, by: PeerId, name: string, value: number): void {
  objectTo(draft, name, value);
  if (!isParameter(name)) return;
  const open = ((draft.get(OPEN_PROPOSALS) as readonly number[] | undefined) ?? []).filter((index) => {
    const proposal = proposalAt(draft, index);
    return proposal !== null && standingOf(proposal, draft.ms) === 'open';
  });
  if (open.length >= MAX_OPEN) throw refused('So many votes are under way that no other can begin. Try again later.');
  if (open.some((index) => proposalAt(draft, index)?.by === by)) throw refused('A proposal of yours is still open.');
  if (weightAt(draft, by, dayOf(draft.ms)) === 0) throw refused(NO_VOTE);
  const stake = parameter(draft, 'proposal-stake');
  needs(draft, by, stake);
  draft.move(stake, accountOf('free', by), accountOf('unbonding', by), 'proposal-stake');
  if (stake > 0) unbond(draft, by, stake);
  const { cap, active } = electorate(draft);
  const from = parameter(draft, name);
  const vote = { cap, quorum: quorumOf(active), tally: NO_BALLOTS, ballots: 0, inForce: false };
  const { index, ms } = draft;
  draft.set(proposalKey(index), proposalRow({ index, by, name, from, to: value, openedMs: ms, ...vote }));
  draft.set(OPEN_PROPOSALS, [...open, index]);
}

export function vote(draft: Draft, by: PeerId, index: number, choice: Choice): void {
  const proposal = proposalAt(draft, index);
  if (proposal === null) throw refused('There is no such proposal.');
  if (draft.ms >= closesMs(proposal)) throw refused('This vote is over.');
  const weight = Math.min(proposal.cap, weightAt(draft, by, dayOf(proposal.openedMs)));
  if (weight === 0) throw refused(NO_VOTE);
  const key = ballotKey(index, by);
  const before = (draft.get(key) as Ballot | undefined) ?? null;
  const tally = counted(proposal.tally, choice, weight, before);
  const ballots = proposal.ballots + (before === null ? 1 : 0);
  draft.set(key, [choice, weight]);
  draft.set(proposalKey(index), proposalRow({ ...proposal, tally, ballots }));
}

export function enact(draft: Draft, { proposal: index }: Enact): void {
  const proposal = proposalAt(draft, index);
  if (proposal === null) throw refused('There is no such proposal.');
  if (proposal.inForce) throw refused('This proposal is in force already.');
  if (draft.ms < inForceMs(proposal)) throw refused('This vote has no effect yet.');
  if (standingOf(proposal, draft.ms) !== 'passed' || !passed(proposal.tally, proposal.quorum))
    throw refused('This proposal has not passed, or too long ago.');
  const { name, to } = proposal;
  objectTo(draft, name, to);
  draft.set(parameterKey(name), [to, draft.ms]);
  draft.set(proposalKey(index), proposalRow({ ...proposal, inForce: true }));
}

const NO_VOTE =
  'You have no vote in this yet: before its day, at least five other people have to have paid for answers of yours.';

function objectTo(draft: Draft, name: string, value: number): void {
  const of = (one: Parameters<typeof parameter>[1]) => parameter(draft, one);
  const present = isParameter(name)
    ? { value: of(name), changedMs: changedMs(draft, name) }
    : { value: 0, changedMs: null };
  const why = objection({ name, value }, { ...present, ms: draft.ms, of });
  if (why !== null) throw refused(why);
}

/** What this key weighs in a vote that begins on that day, before the cap. */
export function weightAt(state: Pick<Draft, 'get'>, peer: PeerId, day: number): number {
  const known = (state.get(counterpartiesKey(peer)) as readonly Counterparty[] | undefined) ?? [];
  return weightOf(daysOf(state, peer), known, day);
}

/** The most that one key weighs in a vote that begins now; and what those weigh together who were active lately. */
function electorate(draft: Draft): { cap: number; active: number } {
  const day = dayOf(draft.ms);
  const weights: { weight: number; lately: boolean }[] = [];
  for (const key of draft.keys(VOTERS)) {
    const peer = key.slice(VOTERS.length) as PeerId;
    const lately = daysOf(draft, peer).some(([on, net]) => net > 0 && on >= day - ACTIVE_DAYS && on < day);
    weights.push({ weight: weightAt(draft, peer, day), lately });
  }
  const cap = capOf(weights.reduce((sum, { weight }) => sum + weight, 0));
  const active = weights.reduce((sum, { weight, lately }) => sum + (lately ? Math.min(weight, cap) : 0), 0);
  return { cap, active };
}
