/**
 * Jain's index of fairness (Jain, Chiu and Hawe 1984): 1 when all have the same, 1/n when one has everything. It is 1 for
 * nobody and for nothing at all, too.
 */
export function jainIndex(shares: readonly number[]): number {
  const sum = shares.reduce((a, b) => a + b, 0);
  const squares = shares.reduce((a, b) => a + b * b, 0);
  return squares === 0 ? 1 : (sum * sum) / (shares.length * squares);
}
