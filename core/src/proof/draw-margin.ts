/**
 * How much honest noise it would take for a token to be drawn: engines differ in the last bits of their logits, and a draw
 * that falls close to the edge of a token's range, or into a token that is as likely as its neighbour, comes out
 * otherwise. So it does where the two keep one token more or less of the unlikely ones.
 */
import { cutEdge, type Cuts } from './cuts/cut-edge.ts';

/** So that a draw at the very edge of all ranges still has odds. */
const EDGE = 1e-12;

/**
 * 0: it is drawn. Otherwise the least m for which some noise explains it, where noise moves the odds between any two groups of
 * tokens by up to m: twice as much as it moves any logit, at temperature 1. `shares`: how likely each candidate is, the
 * likeliest first; together 1. `rank`: that of the token; −1: sampling has cut it off here, and it is taken to come
 * after the last one and to be as likely. `draw`: the number that was drawn, 0 to 1. `cuts`: what has cut off the others;
 * left out: nothing has, or the cut is accounted for.
 */
export function drawMargin(shares: readonly number[], rank: number, draw: number, cuts?: Cuts): number {
  const wanted = logOdds(draw);
  const last = shares.at(-1) ?? 0;
  if (rank < 0) return Math.max(0, logOdds(1 / (1 + last)) - wanted);
  const margin = among(1, shares, rank, wanted);
  if (cuts === undefined || margin === 0) return margin;
  const { fewer, extra } = cutEdge(shares, cuts);
  const more = extra > 0 ? among(1 + extra, shares, rank, wanted) : margin;
  if (rank === shares.length - 1) return Math.min(margin, more);
  return Math.min(margin, more, Math.max(fewer, among(1 - last, shares, rank, wanted)));
}

/** `total`: what all candidates weigh together. */
function among(total: number, shares: readonly number[], rank: number, wanted: number): number {
  const share = shares[rank]!;
  let below = 0;
  // The least noise so far with which the range begins low enough.
  let margin = Infinity;
  for (let first = 0; first <= rank; first++) {
    // Noise of `gap` lets the token change places with all from `first` on.
    const gap = Math.log(shares[first]! / share);
    margin = Math.min(margin, Math.max(gap, logOdds(below / total) - wanted));
    below += shares[first]!;
  }
  const begins = Math.max(0, margin);
  margin = Infinity;
  let above = below;
  for (let end = rank; end < shares.length; end++) {
    if (end > rank) above += shares[end]!;
    margin = Math.min(margin, Math.max(Math.log(share / shares[end]!), wanted - logOdds(above / total)));
  }
  return Math.max(begins, 0, margin);
}

function logOdds(share: number): number {
  const within = Math.min(Math.max(share, EDGE), 1 - EDGE);
  return Math.log(within / (1 - within));
}
