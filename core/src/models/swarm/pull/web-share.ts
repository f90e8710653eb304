/** When the server helps: it joins when peers give too little, and leaves when they give enough. Pure. */

/** Peers are given so long to begin, when there are any. */
const PATIENCE_MS = 2_000;
/** What peers have to give as long as nobody knows how fast the server is, in bytes per second. */
const LEAST_RATE = 1_000_000;
/** The server helps until peers give this share of what it could. */
const SHARE = 0.8;

export interface SwarmState {
  /** Since the fetch began. */
  elapsedMs: number;
  /** Peers are connected that have pieces which are missing here. */
  useful: boolean;
  /** Bytes per second. */
  peerRate: number;
  /** What the server gave lately; null: it was not asked yet. */
  webRate: number | null;
}

/** What the server is asked for now: what nobody else has or fetches, or anything that is missing. */
export function webShare({ elapsedMs, useful, peerRate, webRate }: SwarmState): 'rare' | 'any' {
  if (!useful) return 'any';
  if (elapsedMs < PATIENCE_MS) return 'rare';
  return peerRate < (webRate === null ? LEAST_RATE : webRate * SHARE) ? 'any' : 'rare';
}
