/** Proposals as the ledger keeps them, with the sums of their ballots. */
import type { PeerId } from '../base/ids.ts';
import type { ParameterName } from '../governance/parameters.ts';
import type { Tally } from '../governance/tally.ts';
import { CARRIED_OUT_WITHIN_MS, DELAY_MS, VOTE_MS } from '../governance/proposal.ts';
import { passed } from '../governance/tally.ts';
import { proposalKey, PROPOSALS } from './keys.ts';
import type { LedgerState, StateValue } from './state.ts';

export interface Proposal {
  /** The index of its event. */
  readonly index: number;
  readonly by: PeerId;
  readonly name: ParameterName;
  readonly from: number;
  readonly to: number;
  readonly openedMs: number;
  /** The most that one key weighs in this vote. */
  readonly cap: number;
  /** The weight that has to vote. */
  readonly quorum: number;
  readonly tally: Tally;
  readonly ballots: number;
  readonly inForce: boolean;
}

type Row = readonly [
  PeerId,
  ParameterName,
  number,
  number,
  number,
  number,
  number,
  number,
  number,
  number,
  number,
  boolean,
];

export function proposalRow(proposal: Proposal): StateValue {
  const { by, name, from, to, openedMs, cap, quorum, tally, ballots, inForce } = proposal;
  return [by, name, from, to, openedMs, cap, quorum, tally.yes, tally.no, tally.abstain, ballots, inForce];
}

export function proposalAt(state: Pick<LedgerState, 'get'>, index: number): Proposal | null {
  const row = state.get(proposalKey(index)) as Row | undefined;
  if (row === undefined) return null;
  const [by, name, from, to, openedMs, cap, quorum, yes, no, abstain, ballots, inForce] = row;
  return { index, by, name, from, to, openedMs, cap, quorum, tally: { yes, no, abstain }, ballots, inForce };
}

/** All that there ever were, the newest first. */
export function proposalsOf(state: LedgerState): Proposal[] {
  const found = Array.from(state.keys(PROPOSALS), (key) => proposalAt(state, Number(key.slice(PROPOSALS.length))));
  return found.filter((one) => one !== null).reverse();
}

/** `passed`: it has, and is not in force yet. */
export function standingOf(proposal: Proposal, ms: number): 'open' | 'passed' | 'rejected' | 'in-force' {
  if (proposal.inForce) return 'in-force';
  if (ms < closesMs(proposal)) return 'open';
  const over = ms > inForceMs(proposal) + CARRIED_OUT_WITHIN_MS;
  return passed(proposal.tally, proposal.quorum) && !over ? 'passed' : 'rejected';
}

export function closesMs({ openedMs }: Proposal): number {
  return openedMs + VOTE_MS;
}

export function inForceMs({ openedMs }: Proposal): number {
  return openedMs + VOTE_MS + DELAY_MS;
}
