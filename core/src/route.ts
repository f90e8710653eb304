/**
 * Who runs a task: the ranking that the matchmaker and the requester share. Pure, over plain data; the server ranks
 * with what it knows, the requester again with the round trips that it measured itself.
 */
import type { PeerId } from './ids.ts';
import type { Candidate } from './control-protocol.ts';

export interface RankContext {
  /** Never these: just tried, or the asker itself. */
  exclude: ReadonlySet<PeerId>;
  /** Measured round trip, null when unknown. */
  rttMs: (peer: PeerId) => number | null;
  /** 0 ≤ x < 1, one call a candidate. */
  random: () => number;
}

/** What an unmeasured provider counts as: slow enough to prefer a proven one, fast enough to be tried at all. */
const UNKNOWN_TOKENS_PER_SECOND = 5;
const UNKNOWN_RTT_MS = 80;
/** The length that a wait is reckoned in: a typical answer. */
const TYPICAL_ANSWER_TOKENS = 200;

/** Best first. Free slots before busy ones; among equals weighted chance, so that the best node is not swamped. */
export function rank<T extends Candidate>(candidates: readonly T[], context: RankContext): T[] {
  return candidates
    .filter((candidate) => !context.exclude.has(candidate.peerId))
    .map((candidate) => ({ candidate, ...draw(candidate, context) }))
    .sort((a, b) => Number(b.free) - Number(a.free) || a.draw - b.draw)
    .map(({ candidate }) => candidate);
}

/**
 * Seconds until a typical answer by this provider would be whole: its queue, the round trip, its share of the speed.
 */
export function expectedSeconds(candidate: Candidate, rttMs: number | null): number {
  const speed = candidate.model.tokensPerSecond ?? UNKNOWN_TOKENS_PER_SECOND;
  const answerSeconds = TYPICAL_ANSWER_TOKENS / Math.max(speed, 0.1);
  const before = Math.max(0, candidate.busySlots + candidate.queued + 1 - candidate.slots);
  const rounds = before / Math.max(candidate.slots, 1);
  return (rttMs ?? UNKNOWN_RTT_MS) / 1000 + answerSeconds * (1 + rounds);
}

/**
 * An exponential draw with the mean of the expected time. Sorting by such draws picks each candidate first with a
 * probability proportional to its rate (exponential race, Efraimidis and Spirakis 2006); the square favours the fast.
 */
function draw(candidate: Candidate, context: RankContext): { free: boolean; draw: number } {
  const seconds = expectedSeconds(candidate, context.rttMs(candidate.peerId));
  return {
    free: candidate.busySlots + candidate.queued < candidate.slots,
    draw: -Math.log(1 - context.random()) * seconds * seconds,
  };
}
