/** Logistic regression with an L2 penalty, by gradient descent on standardised columns (Hastie, Tibshirani, Friedman, 4.4). */

const ROUNDS = 400;
const RATE = 0.5;
const PENALTY = 1e-3;

/** `rows`: numbers for each column. Returns how likely it is, from 0 to 1, that a further row is of the kind `true`. */
export function logistic(
  rows: readonly (readonly number[])[],
  kinds: readonly boolean[],
): (row: readonly number[]) => number {
  const width = rows[0]?.length ?? 0;
  const columns = Array.from({ length: width }, (_, at) => scaleOf(rows.map((row) => row[at]!)));
  const scaled = (row: readonly number[]) => columns.map(({ mean, sd }, at) => (row[at]! - mean) / sd);
  const standard = rows.map(scaled);
  const weights = new Float64Array(width);
  let bias = 0;
  const chance = (row: readonly number[]) =>
    1 / (1 + Math.exp(-row.reduce((sum, x, at) => sum + x * weights[at]!, bias)));
  for (let round = 0; round < ROUNDS; round++) {
    const slope = new Float64Array(width);
    let off = 0;
    for (const [i, row] of standard.entries()) {
      const error = chance(row) - Number(kinds[i]);
      off += error;
      for (const [at, x] of row.entries()) slope[at]! += error * x;
    }
    bias -= (RATE * off) / rows.length;
    for (let at = 0; at < width; at++) weights[at]! -= RATE * (slope[at]! / rows.length + PENALTY * weights[at]!);
  }
  return (row) => chance(scaled(row));
}

function scaleOf(values: readonly number[]): { mean: number; sd: number } {
  const mean = values.reduce((sum, x) => sum + x, 0) / values.length;
  const variance = values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / values.length;
  return { mean, sd: Math.sqrt(variance) || 1 };
}
