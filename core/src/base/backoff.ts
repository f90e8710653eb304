const FIRST_MS = 250;
const MOST_MS = 15_000;

/**
 * How long to wait before try number `attempt` + 1, counted from 0: exponential with full jitter, so that peers cut off
 * together do not come back together. `random` gives 0 ≤ x < 1.
 */
export function backoffMs(attempt: number, random: () => number): number {
  const ceiling = Math.min(MOST_MS, FIRST_MS * 2 ** Math.min(attempt, 10));
  return FIRST_MS / 2 + random() * (ceiling - FIRST_MS / 2);
}
