/**
 * Where sampling stops keeping tokens: honest engines differ by one token there, and then all the others are a little more or
 * less likely. Top-p and min-p cut by how likely tokens are at temperature 1, and are applied before the temperature.
 */

/** What a token is drawn from, in the order in which it is applied. */
export interface Cuts {
  /** 0: all of them. */
  readonly topK: number;
  readonly topP: number;
  readonly minP: number;
  /** Above 0. */
  readonly temperature: number;
}

export interface CutEdge {
  /** The least noise in the odds that cuts off the last one, too. Infinity: none does. */
  readonly fewer: number;
  /** How likely one more could be with hardly any noise, on the scale of the shares. 0: there is none. */
  readonly extra: number;
}

/** With so much noise in the odds, honest engines could keep other tokens: more than twice what they were measured to differ by. */
export const EDGE_NOISE = 0.25;

/** A token that sampling has cut off. */
export interface CutOff {
  /** How likely all are together that are likelier by EDGE_NOISE or more, of those that top-k leaves, at temperature 1. */
  readonly before: number;
  /** How many logits it lies below the likeliest, and below the last that top-k leaves; 0 where it is among those. */
  readonly behindFirst: number;
  readonly behindLast: number;
}

/** Whether every honest engine cuts it off. */
export function isSurelyCut({ before, behindFirst, behindLast }: CutOff, { topP, minP }: Cuts): boolean {
  const byP = topP > 0 && topP < 1 && logOdds(before) - logOdds(topP) >= EDGE_NOISE;
  const byMin = minP > 0 && behindFirst + Math.log(minP) >= EDGE_NOISE;
  return byP || byMin || behindLast >= EDGE_NOISE;
}

const NO_EDGE: CutEdge = { fewer: Infinity, extra: 0 };

/** `shares`: of the tokens that were kept, the likeliest first; together 1. Doubt is the provider's: what was cut off is not known. */
export function cutEdge(shares: readonly number[], { topK, topP, minP, temperature }: Cuts): CutEdge {
  const hasP = topP > 0 && topP < 1;
  if (!hasP && minP <= 0) return NO_EDGE;
  // As they were before the temperature.
  const weight = (share: number) => share ** temperature;
  const [first, last] = [weight(shares[0] ?? 1), weight(shares.at(-1) ?? 1)];
  const sum = shares.reduce((total, share) => total + weight(share), 0);
  const kept = 1 - last / sum;
  const fewerByP = hasP && kept > 0 ? Math.max(0, logOdds(topP) - logOdds(kept)) : Infinity;
  const fewerByMin = minP > 0 ? Math.max(0, Math.log(last / (first * minP))) : Infinity;
  // What is kept is a share of topP or more of all; so what is not is no likelier than the rest.
  const mostByP = hasP ? Math.min(last, (sum * (1 - topP)) / topP) : 0;
  const mostByMin = minP > 0 ? Math.min(last, first * minP) : 0;
  const isFull = topK > 0 && shares.length >= topK;
  const most = isFull ? 0 : Math.max(mostByP, mostByMin);
  return {
    fewer: shares.length > 1 ? Math.min(fewerByP, fewerByMin) : Infinity,
    extra: (shares.at(-1) ?? 0) * (most / last) ** (1 / temperature),
  };
}

function logOdds(share: number): number {
  return Math.log(share / (1 - share));
}
