/** A classifier that learns what tells two kinds of rows apart: AdaBoost over thresholds (Freund and Schapire 1997). */

const ROUNDS = 80;
const BINS = 24;

interface Stump {
  feature: number;
  threshold: number;
  /** How much it counts that a row is above the threshold; negative: it speaks against the kind `true`. */
  weight: number;
}

/** `rows`: numbers for each feature. Returns what a further row is taken for. */
export function trained(
  rows: readonly (readonly number[])[],
  kinds: readonly boolean[],
): (row: readonly number[]) => boolean {
  const columns = Array.from({ length: rows[0]?.length ?? 0 }, (_, feature) =>
    binned(rows.map((row) => row[feature] ?? 0)),
  );
  const weights = new Float64Array(rows.length).fill(1 / rows.length);
  const stumps: Stump[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const best = bestStump(columns, kinds, weights);
    stumps.push(best);
    let sum = 0;
    for (const [i, row] of rows.entries()) {
      const right = votes(best, row) > 0 === kinds[i];
      weights[i]! *= Math.exp(right ? -Math.abs(best.weight) : Math.abs(best.weight));
      sum += weights[i]!;
    }
    for (let i = 0; i < weights.length; i += 1) weights[i]! /= sum;
  }
  return (row) => stumps.reduce((sum, stump) => sum + votes(stump, row), 0) > 0;
}

interface Column {
  thresholds: readonly number[];
  /** Above how many thresholds each row is. */
  bins: Uint8Array;
}

function bestStump(columns: readonly Column[], kinds: readonly boolean[], weights: Float64Array): Stump {
  let best: Stump = { feature: 0, threshold: 0, weight: 0 };
  for (const [feature, { thresholds, bins }] of columns.entries()) {
    // By bin, how much more weighs the kind `true` than the other.
    const surplus = new Float64Array(thresholds.length + 1);
    for (const [i, bin] of bins.entries()) surplus[bin]! += kinds[i] === true ? weights[i]! : -weights[i]!;
    const balance = surplus.reduce((sum, one) => sum + one, 0);
    let below = 0;
    for (const [i, threshold] of thresholds.entries()) {
      below += surplus[i]!;
      const right = (1 + balance - 2 * below) / 2;
      const within = Math.min(Math.max(right, 1e-6), 1 - 1e-6);
      const weight = Math.log(within / (1 - within)) / 2;
      if (Math.abs(weight) > Math.abs(best.weight)) best = { feature, threshold, weight };
    }
  }
  return best;
}

function votes({ feature, threshold, weight }: Stump, row: readonly number[]): number {
  return (row[feature] ?? 0) > threshold ? weight : -weight;
}

function binned(values: readonly number[]): Column {
  const sorted = Float64Array.from(values).sort();
  const at = (i: number) => sorted[Math.floor((i * sorted.length) / BINS)] ?? 0;
  const thresholds = [...new Set(Array.from({ length: BINS - 1 }, (_, i) => at(i + 1)))];
  const bins = Uint8Array.from(values, (value) => thresholds.filter((threshold) => value > threshold).length);
  return { thresholds, bins };
}
