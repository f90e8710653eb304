/** Credits, in words for a person at a terminal. Pure. */
import { peerName } from '@llmesh/core/identity/names';
import { inCredits } from '@llmesh/core/ledger/credit';
import { fieldOf, unitWords } from '@llmesh/core/ledger/parameter-field';
import { isReason, type PostingReason } from '@llmesh/core/ledger/posting';
import type { AccountPage, Credits, ParameterView, PostingView, ProposalView } from '@llmesh/core/wire/credit-pages';

const WHY: Record<PostingReason, string> = {
  held: 'put aside for an answer',
  paid: 'paid for an answer',
  earned: 'earned with an answer',
  'task-reward': 'reward for an answer',
  refunded: 'came back, not needed',
  fee: 'fee',
  uptime: 'for being there',
  storage: 'for keeping models',
  'audit-fee': 'for checking an answer',
  allowance: 'allowance of a newcomer',
  grant: 'given by the operator',
  transfer: 'transfer',
  staked: 'put at stake',
  unstaked: 'taken from the stake',
  released: 'free again',
  slashed: 'lost, as answers were wrong',
  reversed: 'paid back, as answers were wrong',
  appeal: 'auditors of an appeal',
  'proposal-stake': 'stake of a proposal',
};

/** `symbol`: of a network whose credits have a name of their own. */
export function creditWords(amount: number, symbol?: string): string {
  if (symbol !== undefined) return `${inCredits(amount)} ${symbol}`;
  return `${inCredits(amount)} ${Math.abs(amount) === 1_000_000 ? 'credit' : 'credits'}`;
}

export function accountLines({ account, today, earned, releases, weight, alias }: AccountPage): string[] {
  const { free, pending, held, allowance, stake, unbonding } = account;
  const waits = pending === 0 ? '' : `, ${inCredits(pending)} of it not final yet`;
  return [
    `Free       ${inCredits(free)}${waits}`,
    `Held       ${inCredits(held)} for answers under way`,
    `Allowance  ${inCredits(allowance)} that buys places in line and nothing else`,
    `Stake      ${inCredits(stake)}`,
    `Unbonding  ${inCredits(unbonding)}`,
    ...releases.map(({ amount, atMs }) => `           ${inCredits(amount)} free again on ${dayOf(atMs)}`),
    `Today      ${todayWords(today)}`,
    `Earned     ${inCredits(earned)} in all`,
    `Vote       ${weight === 0 ? 'no weight yet: it comes with credits earned from others' : `a weight of ${weight}`}`,
    ...(alias === null ? [] : [`Known as   ${alias}`]),
  ];
}

export function todayWords({ tasks, uptime, audits }: AccountPage['today']): string {
  const parts = `${inCredits(tasks)} for answers, ${inCredits(uptime)} for being there, ${inCredits(audits)} for checking others`;
  return `${inCredits(tasks + uptime + audits)} earned: ${parts}`;
}

/** Why being there pays what it pays. */
export function rateWords({ uptimePerHour, credit }: Pick<Credits, 'uptimePerHour' | 'credit'>): string {
  return `Being there pays up to ${creditWords(uptimePerHour, credit?.symbol)} an hour now, to those whose answers were checked and agree.`;
}

/** One change, in one line. */
export function postingLine(posting: PostingView): string {
  const { ms, account, amount, reason, other, lease, model, units, why, final } = posting;
  const sum = `${amount > 0 ? '+' : ''}${inCredits(amount)}`;
  const what = [
    isReason(reason) ? WHY[reason] : reason,
    ...(model === null ? [] : [units === null ? model : `${model}, ${units} units`]),
    ...(other === null ? [] : [`with ${peerName(other)}`]),
    ...(why === '' ? [] : [why]),
    ...(lease === null ? [] : [`receipt ${lease}`]),
    ...(final ? [] : ['not final yet']),
  ];
  return `${timeOf(ms)}  ${sum.padStart(14)}  ${account.padEnd(9)}  ${what.join(' · ')}`;
}

export function parameterLine(parameter: ParameterView): string {
  const { name, value, min, max, step, about } = parameter;
  const [least, most, once] = [min, max, step].map((number) => fieldOf(parameter, number));
  return `  ${name} = ${parameterWords(parameter, value)} (${least} to ${most}, at most ${once} at a time): ${about}`;
}

/** "0.1 credits for 1,000 units", "10 per cent" */
export function parameterWords(parameter: Pick<ParameterView, 'unit'>, value: number): string {
  return `${fieldOf(parameter, value)} ${unitWords(parameter)}`;
}

/** `parameters`: those of the mesh. What it has no more is shown as it was proposed. */
export function proposalLines(proposal: ProposalView, parameters: readonly ParameterView[]): string[] {
  const { index, by, parameter, state, yes, no, abstain, quorum, ballots, closesMs, inForceMs } = proposal;
  const when = {
    open: `open until ${timeOf(closesMs)}`,
    passed: `passed, in force on ${timeOf(inForceMs)}`,
    rejected: `rejected on ${timeOf(closesMs)}`,
    'in-force': `in force since ${timeOf(inForceMs)}`,
  }[state];
  const about = parameters.find(({ name }) => name === parameter);
  const [from, to] = [proposal.from, proposal.to].map((value) =>
    about === undefined ? String(value) : fieldOf(about, value),
  );
  const unit = about === undefined ? '' : ` ${unitWords(about)}`;
  return [
    `${index}  ${parameter}: ${from} → ${to}${unit}, by ${peerName(by)}, ${when}`,
    `    yes ${yes}, no ${no}, abstained ${abstain}, of ${quorum} that have to vote; ${ballots} ${ballots === 1 ? 'ballot' : 'ballots'}`,
  ];
}

export function dayOf(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}

export function timeOf(ms: number): string {
  return new Date(ms).toISOString().slice(0, 16).replace('T', ' ');
}
