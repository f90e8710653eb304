/**
 * What several providers say about one thing that none of them can prove: the value with the most weight. Those that
 * delivered count for more, a network for no more than one of its peers would, and in a tie those that have been there
 * longer win.
 */

/** More receipts than this say nothing more. */
const MOST_RECORD = 16;

/** A provider that says something. */
export interface Witness {
  /** Receipts of others that speak for it. */
  record: number;
  /** Where it connects from. */
  network: string;
  /** How long it has offered this. */
  tenureMs: number;
}

export interface Word<T> {
  value: T;
  weight: number;
  tenureMs: number;
}

/** How much the word of each counts, in their order. */
export function weightsOf(witnesses: readonly Witness[]): number[] {
  const ofNetwork = new Map<string, number>();
  for (const { network } of witnesses) ofNetwork.set(network, (ofNetwork.get(network) ?? 0) + 1);
  return witnesses.map(({ record, network }) => (1 + Math.min(record, MOST_RECORD)) / (ofNetwork.get(network) ?? 1));
}

/** The value with the most weight; in a tie, the one that someone has said for longest. Undefined: nothing was said. */
export function mostSaid<T>(words: readonly Word<T>[]): T | undefined {
  const said = new Map<T, { weight: number; tenureMs: number }>();
  for (const { value, weight, tenureMs } of words) {
    const before = said.get(value);
    if (before === undefined) said.set(value, { weight, tenureMs });
    else {
      before.weight += weight;
      before.tenureMs = Math.max(before.tenureMs, tenureMs);
    }
  }
  let best: [T, { weight: number; tenureMs: number }] | undefined;
  for (const one of said) {
    const more = best === undefined ? 1 : compared(one[1].weight, best[1].weight);
    if (best === undefined || more > 0 || (more === 0 && one[1].tenureMs > best[1].tenureMs)) best = one;
  }
  return best?.[0];
}

/** The weighted median; if both halves weigh the same, the one with the longest-standing word decides. */
export function middle(words: readonly Word<number>[]): number | null {
  const sorted = words.toSorted((a, b) => a.value - b.value);
  const half = sorted.reduce((sum, { weight }) => sum + weight, 0) / 2;
  let sum = 0;
  for (const [i, { value, weight }] of sorted.entries()) {
    sum += weight;
    const beyond = compared(sum, half);
    const upper = sorted[i + 1];
    if (beyond > 0 || (beyond === 0 && upper === undefined)) return value;
    if (beyond < 0 || upper === undefined) continue;
    const oldest = sorted.reduce((a, b) => (b.tenureMs > a.tenureMs ? b : a));
    return oldest.value <= value ? value : upper.value;
  }
  return null;
}

/** Sums of thirds and sevenths are equal except for their last digits. */
function compared(a: number, b: number): number {
  return Math.abs(a - b) <= 1e-9 * Math.max(a, b) ? 0 : a - b;
}
