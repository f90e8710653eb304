/**
 * What a task costs: one function for the requester, which shows the price before sending, and for the control plane,
 * which writes it into the lease. Micro-credits and whole-number arithmetic, so that both get the same result.
 */

/** How `priceOf` computes: a lease and its receipt name it, so that everyone can compute again what was charged. */
export const PRICE_VERSION = 1;
/** A plain task, and an offer that is neither scarce nor idle. */
export const PLAIN = 1_000;
/** A price that was shown is honoured for so long, however the demand has risen since. */
export const QUOTED_FOR_MS = 900_000;

export interface PriceParts {
  /** Micro-credits for 1,000 units of a plain task while demand is as usual. 0: everything is free. */
  base: number;
  /** How scarce the offer is, in thousandths, see `demand-price.ts`; PLAIN: as scarce as usual. */
  demand: number;
  /** The cost of a unit of this task relative to one of a plain task, in thousandths: `TaskKind.complexity`. */
  complexity: number;
}

/**
 * Micro-credits for 1,000 units: base × demand, rounded up, which is the offer's price, × complexity, rounded up. All are
 * whole numbers of at least 0.
 */
export function priceOf({ base, demand, complexity }: PriceParts): number {
  return taskPrice(thousandthsOf(base, demand), complexity);
}

/** The price of a task by that of a plain one: what an offer's `price` says. */
export function taskPrice(plain: number, complexity: number): number {
  return thousandthsOf(plain, complexity);
}

/** What so many units cost at this price, in micro-credits, rounded up: never more than was told for the most units. */
export function costOf(units: number, price: number): number {
  return thousandthsOf(units, price);
}

const MAX_PRICE = BigInt(Number.MAX_SAFE_INTEGER);

/** Rounded up. */
function thousandthsOf(amount: number, factor: number): number {
  const exact = (BigInt(amount) * BigInt(factor) + 999n) / 1_000n;
  return Number(exact > MAX_PRICE ? MAX_PRICE : exact);
}
