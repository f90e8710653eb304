/** How long to wait for work before it counts as lost: one measure for provider, requester and a gateway's client. */

/** The time until the first piece: others may be ahead, a model may load, slow computers read 5 tokens a second. */
export const FIRST_PIECE_MS = 300_000;
/** Added for each byte that is read first: five tokens a second, each about four bytes. */
export const MS_PER_BYTE = 50;
/** The weight of the latest value in a running mean: about the last five decide. */
const WEIGHT = 0.2;

/** The running mean with one more value; null: this is the first. */
export function runningMean(mean: number | null, latest: number): number {
  return mean === null ? latest : mean * (1 - WEIGHT) + latest * WEIGHT;
}
