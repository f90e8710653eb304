export interface Spread {
  min: number;
  p25: number;
  median: number;
  p75: number;
  max: number;
}

/** Throws on an empty list. */
export function spread(values: readonly number[]): Spread {
  const at = (percent: number) => percentile(values, percent);
  return { min: at(0), p25: at(25), median: at(50), p75: at(75), max: at(100) };
}

/** By linear interpolation between the ranks (Hyndman and Fan 1996, type 7). Throws on an empty list. */
export function percentile(values: readonly number[], percent: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const rank = (percent / 100) * (sorted.length - 1);
  const low = sorted[Math.floor(rank)];
  const high = sorted[Math.ceil(rank)];
  if (low === undefined || high === undefined) throw new Error('nothing was measured');
  return round(low + (high - low) * (rank - Math.floor(rank)));
}

/** The value at this share of the sorted list; NaN for an empty one. */
export function quantile(values: readonly number[], share: number, scale = 1): number {
  const sorted = Float64Array.from(values).sort();
  return Number(((sorted[Math.floor(share * (sorted.length - 1))] ?? NaN) * scale).toPrecision(4));
}

function round(value: number): number {
  return Number(value.toPrecision(4));
}

export function show({ min, p25, median, p75, max }: Spread): string {
  return `${median} (${p25}–${p75}, from ${min} to ${max})`;
}
