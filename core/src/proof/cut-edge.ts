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
