/**
 * The time of the control plane, as its welcome told it. Leases and receipts are judged by this one clock: those of
 * providers and requesters may be wrong by hours. A server that lies about it shifts only what is judged by its own
 * word anyway.
 */
import type { Clock } from '../base/clock.ts';

/** Network-synchronized clocks differ by less; a lease tolerates half of it. */
const NOTABLE_MS = 60_000;
/** A time heard in passing may have waited on its way, so it corrects only larger differences than this. */
const LATE_MS = 10_000;
const UNITS = [
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
] as const;
const DAYS_OF_YEAR = 365;

export class ServerTime {
  readonly #clock: Clock;
  #aheadOfClockMs: number | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Milliseconds since 1970; null while it is not known. */
  get nowMs(): number | null {
    if (this.#aheadOfClockMs === null) return null;
    // A server that believes it is 1970 may be in 1969 by half a round trip.
    return Math.max(0, Math.round(this.#clock.now() + this.#aheadOfClockMs));
  }

  /** `serverMs`: its time at some point since `askedMs` by our clock; undefined: the server does not tell it. */
  heard(serverMs: number | undefined, askedMs: number): void {
    this.#aheadOfClockMs = serverMs === undefined ? null : serverMs - (askedMs + this.#clock.now()) / 2;
  }

  /** A time heard now and then: one of the two clocks may have been set, or this computer may have slept. */
  overheard(serverMs: number): void {
    if (Math.abs((this.nowMs ?? -Infinity) - serverMs) > LATE_MS) this.heard(serverMs, this.#clock.now());
  }
}

/** How far a computer's own clock is off, in words for a person; null when the difference is negligible. */
export function clockWords(ownMs: number, serverMs: number | null): string | null {
  const offMs = serverMs === null ? 0 : ownMs - serverMs;
  if (Math.abs(offMs) <= NOTABLE_MS) return null;
  const span = spanWords(Math.abs(offMs));
  return offMs > 0
    ? `The clock of this computer is ${span} ahead of that of the mesh. Nothing is lost, but one of them is wrong: please check yours.`
    : `The clock of this computer is ${span} behind that of the mesh. Nothing is lost, but one of them is wrong: please check yours.`;
}

function spanWords(ms: number): string {
  const [unit, size] = UNITS.find(([, length]) => ms >= 2 * length) ?? UNITS[2];
  const count = Math.round(ms / size);
  if (unit === 'day' && count >= 2 * DAYS_OF_YEAR) return `${Math.round(count / DAYS_OF_YEAR)} years`;
  return count === 1 ? `a ${unit}` : `${count} ${unit}s`;
}
