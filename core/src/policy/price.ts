/**
 * What a task costs: one function for the requester, which shows the price before sending, and for the control plane,
 * which writes it into the lease. Micro-credits and whole-number arithmetic, so that both get the same result.
 */

/** How `priceOf` computes: a lease and its receipt name it, so that everyone can compute again what was charged. */
export const PRICE_VERSION = 1;

/** A plain task, and an offer that is neither scarce nor idle. */
export const PLAIN = 1_000;

export interface PriceParts {
  /** Micro-credits for 1,000 units of a plain task while nobody waits. 0: everything is free. */
  base: number;
  /** How scarce the offer is, in thousandths; PLAIN: as scarce as usual. */
  demand: number;
  /** The cost of a unit of this task relative to one of a plain task, in thousandths: `TaskKind.complexity`. */
  complexity: number;
}

/** Micro-credits for 1,000 units, rounded up: base × demand × complexity. All are whole numbers of at least 0. */
export function priceOf({ base, demand, complexity }: PriceParts): number {
  const exact = (BigInt(base) * BigInt(demand) * BigInt(complexity) + 999_999n) / 1_000_000n;
  return Number(exact > MAX_PRICE ? MAX_PRICE : exact);
}

/** What so many units cost at this price, in micro-credits, rounded up: never more than was told for the most units. */
export function costOf(units: number, price: number): number {
  const exact = (BigInt(units) * BigInt(price) + 999n) / 1_000n;
  return Number(exact > MAX_PRICE ? MAX_PRICE : exact);
}

const MAX_PRICE = BigInt(Number.MAX_SAFE_INTEGER);
