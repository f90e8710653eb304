/** Whether a vote has passed: the same for everyone who counts its ballots. */

/** The part of the weight active lately that has to vote, in thousandths. */
export const QUORUM = 200;
/** The part of yes and no together that has to be yes, in thousandths. */
export const MAJORITY = 600;

/** Sums of weights. */
export interface Tally {
  readonly yes: number;
  readonly no: number;
  readonly abstain: number;
}
export type Choice = keyof Tally;
export const NO_BALLOTS: Tally = { yes: 0, no: 0, abstain: 0 };

/** `before`: the ballot that this one replaces. */
export function counted(tally: Tally, choice: Choice, weight: number, before: Ballot | null): Tally {
  const without = before === null ? tally : { ...tally, [before[0]]: tally[before[0]] - before[1] };
  return { ...without, [choice]: without[choice] + weight };
}
export type Ballot = readonly [choice: Choice, weight: number];

/** The weight that has to vote, of this much that was active lately; at least one. */
export function quorumOf(active: number): number {
  return Math.max(1, Number((BigInt(active) * BigInt(QUORUM) + 999n) / 1_000n));
}

export function passed({ yes, no, abstain }: Tally, quorum: number): boolean {
  return yes + no + abstain >= quorum && BigInt(yes) * 1_000n >= BigInt(yes + no) * BigInt(MAJORITY) && yes > 0;
}
