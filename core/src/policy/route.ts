/**
 * Who runs a task: the ranking that the matchmaker and the requester share. Pure, over plain data; the server ranks
 * with what it knows, and the requester again with the round trips that it measured itself.
 */
import type { PeerId } from '../base/ids.ts';
import type { Candidate } from '../wire/candidate.ts';

export interface RankContext {
  /** Never these: they were just tried, or are the requester itself. */
  exclude: ReadonlySet<PeerId>;
  /** The provider with this conversation in its memory; null: none has. */
  prefer: PeerId | null;
  /** The measured round trip; null when unknown. */
  rttMs: (peer: PeerId) => number | null;
  /** 0 ≤ x < 1, one call per candidate. */
  random: () => number;
}

/** The assumed speed of an unmeasured provider: slow enough to prefer a proven one, fast enough to be tried at all. */
export const UNKNOWN_TOKENS_PER_SECOND = 5;
const UNKNOWN_RTT_MS = 80;
/** The length that waits are computed with: a typical answer. */
export const TYPICAL_ANSWER_TOKENS = 200;
/** A provider that breaks off is still a last resort, and not infinitely bad. */
const LEAST_RELIABILITY = 0.05;
/** How much slower than the fastest a preferred provider may be: it only saves reading the conversation again. */
const PREFERRED_MAY_TAKE = 2;
/**
 * How much the fast are favoured. In `sim/src/choice.ts` over three seeds, slots promised, a typical answer takes 5.3 s
 * instead of 5.9 with the square when half of the slots are busy. A fourth power gains more there, but swamps the best
 * where nobody counts promises, as in an outage: at 95 % busy it costs 16 % compared with the square, the third 7 %.
 */
export const SHARPNESS = 3;
/** Can begin at once; has a free slot, but loads its model first; has no free slot. */
const [AT_ONCE, AFTER_LOADING, BUSY] = [0, 1, 2];

/**
 * Best first. The preferred one when it has a free slot and is not far slower than the fastest that has; free slots
 * before busy ones; models in memory before those to be loaded first, unless that is faster than any other; among
 * equals a weighted draw, so that the best node is not swamped.
 */
export function rank<T extends Candidate>(candidates: readonly T[], context: RankContext): T[] {
  const { exclude, prefer, rttMs, random } = context;
  const drawn: Drawn<T>[] = [];
  let preferred: Drawn<T> | null = null;
  let preferredSeconds = Infinity;
  let leastSeconds = Infinity;
  for (const candidate of candidates) {
    if (exclude.has(candidate.peerId)) continue;
    const seconds = expectedSeconds(candidate, rttMs(candidate.peerId));
    const free = candidate.busySlots + candidate.queued < candidate.slots;
    const inMemory = candidate.model.wakesInMs === undefined;
    // An exponential draw with the mean of the expected time. Sorting by such draws picks each candidate first with a
    // probability proportional to its rate (exponential race, Efraimidis and Spirakis 2006); the power favours the fast.
    const key = -Math.log(1 - random()) * seconds ** SHARPNESS;
    const one = { candidate, seconds, key, tier: !free ? BUSY : inMemory ? AT_ONCE : AFTER_LOADING };
    drawn.push(one);
    if (one.tier !== AT_ONCE) continue;
    leastSeconds = Math.min(leastSeconds, seconds);
    if (candidate.peerId === prefer) [preferred, preferredSeconds] = [one, seconds];
  }
  // Chance alone never causes a model to be loaded.
  for (const one of drawn) if (one.tier === AFTER_LOADING && one.seconds < leastSeconds) one.tier = AT_ONCE;
  if (preferred !== null && preferredSeconds <= PREFERRED_MAY_TAKE * leastSeconds) preferred.key = -1;
  drawn.sort((a, b) => a.tier - b.tier || a.key - b.key);
  return drawn.map(({ candidate }) => candidate);
}

interface Drawn<T> {
  candidate: T;
  seconds: number;
  key: number;
  /** The lower tiers come first, whatever their keys. */
  tier: number;
}

/**
 * Seconds until a typical answer by this provider would be complete: loading its model if it is out of memory, its
 * queue, the round trip, its share of the speed, and starting over as often as it breaks off.
 */
export function expectedSeconds(candidate: Candidate, rttMs: number | null): number {
  const speed = candidate.model.tokensPerSecond ?? UNKNOWN_TOKENS_PER_SECOND;
  const answerSeconds = TYPICAL_ANSWER_TOKENS / Math.max(speed, 0.1);
  const before = Math.max(0, candidate.busySlots + candidate.queued + 1 - candidate.slots);
  const rounds = before / Math.max(candidate.slots, 1);
  const waitMs = (candidate.model.wakesInMs ?? 0) + (rttMs ?? UNKNOWN_RTT_MS);
  const seconds = waitMs / 1000 + answerSeconds * (1 + rounds);
  // This many tries on average, each as long: more than a resumed answer costs, but a doubtful one has to beat that.
  return seconds / Math.max(candidate.reliability, LEAST_RELIABILITY);
}
