/** What the browser guesses of its connection. https://wicg.github.io/netinfo/: Chromium says so, up to 10 Mbit/s; others say nothing. */

const BYTES_PER_MEGABIT = 125_000;

/** null: it does not say. */
export function lineBytesPerSecond(): number | null {
  const { connection } = navigator as { connection?: { downlink?: number } };
  const megabits = connection?.downlink ?? 0;
  return megabits > 0 ? megabits * BYTES_PER_MEGABIT : null;
}
