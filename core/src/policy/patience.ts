/** How long work is waited for before it counts as lost: one measure for the provider, the requester and a gateway's client. */

/** Until the first piece. Others may come first, a model may have to be loaded, and slow computers read five tokens a second. */
export const FIRST_PIECE_MS = 300_000;
/** More for each byte that is read first: five tokens a second, of four bytes or so. */
export const MS_PER_BYTE = 50;
/** How much the latest of many counts in a running mean: about the last five decide. */
const WEIGHT = 0.2;

/** The running mean with one more; null: it is the first. */
export function runningMean(mean: number | null, latest: number): number {
  return mean === null ? latest : mean * (1 - WEIGHT) + latest * WEIGHT;
}
