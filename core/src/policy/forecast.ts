/**
 * How often something will be asked for, from when it was asked for in the last days: people have habits by the hour and by the day of
 * the week. Pure arithmetic, in bounded memory. A seasonal mean of the last occurrences (exponential smoothing without a trend), since
 * a few days are all that there is.
 */

/** The time that is counted together. */
export const SLOT_MS = 1_800_000;
const SLOTS_A_DAY = 48;
const SLOTS_A_WEEK = 7 * SLOTS_A_DAY;
/** How many workdays or weekend days back a slot of the day remembers, and how many weeks one of the week. */
const [DAYS, WEEKS] = [5, 4];
/** 1970 began on a Thursday; weeks begin on Monday here. */
const FIRST_SLOT = 3 * SLOTS_A_DAY;

interface Mean {
  mean: number;
  seen: number;
}

export class SeasonalRate {
  /** By the slot of the week; and by that of the day, workdays before weekends. */
  readonly #week: Mean[] = Array.from({ length: SLOTS_A_WEEK }, () => ({ mean: 0, seen: 0 }));
  readonly #day: Mean[] = Array.from({ length: 2 * SLOTS_A_DAY }, () => ({ mean: 0, seen: 0 }));
  /** The slot that is being counted, since 1970. */
  #slot: number;
  #count = 0;
  /** Slots that are counted whole only: a part of one would look like a quiet one. */
  #whole = false;

  /** `nowMs`: milliseconds since 1970, as everywhere here. */
  constructor(nowMs: number) {
    this.#slot = slotOf(nowMs);
  }

  /** It was asked for. Times never go back. */
  asked(nowMs: number): void {
    this.#advance(nowMs);
    this.#count += 1;
  }

  /** How often it will be asked for between these times, as far as the past tells. */
  expected(fromMs: number, toMs: number): number {
    this.#advance(fromMs);
    let sum = 0;
    for (let slot = slotOf(fromMs); slot * SLOT_MS < toMs; slot++) {
      const part = Math.min(toMs, (slot + 1) * SLOT_MS) - Math.max(fromMs, slot * SLOT_MS);
      // Nobody asks at the same minute each day: neighbours count, too.
      const mean = (this.#rate(slot - 1) + 2 * this.#rate(slot) + this.#rate(slot + 1)) / 4;
      sum += (mean * part) / SLOT_MS;
    }
    return sum;
  }

  #rate(slot: number): number {
    const [week, day] = [this.#week[weekSlot(slot)]!, this.#day[daySlot(slot)]!];
    return week.seen === 0 ? day.mean : (week.mean + day.mean) / 2;
  }

  #advance(nowMs: number): void {
    const now = slotOf(nowMs);
    // Longer ago than that, nothing of it is remembered.
    const from = Math.max(this.#slot, now - WEEKS * SLOTS_A_WEEK);
    for (let slot = from; slot < now; slot++) {
      const count = slot === this.#slot ? this.#count : 0;
      if (!this.#whole && slot === this.#slot && count === 0) continue;
      fold(this.#week[weekSlot(slot)]!, count, WEEKS);
      fold(this.#day[daySlot(slot)]!, count, DAYS);
    }
    if (now > this.#slot) [this.#slot, this.#count, this.#whole] = [now, 0, true];
  }
}

function fold(mean: Mean, count: number, most: number): void {
  mean.seen = Math.min(mean.seen + 1, most);
  mean.mean += (count - mean.mean) / mean.seen;
}

function slotOf(ms: number): number {
  return Math.floor(ms / SLOT_MS);
}

function weekSlot(slot: number): number {
  return (slot + FIRST_SLOT) % SLOTS_A_WEEK;
}

function daySlot(slot: number): number {
  const inWeek = weekSlot(slot);
  const isWeekend = inWeek >= 5 * SLOTS_A_DAY;
  return (inWeek % SLOTS_A_DAY) + (isWeekend ? SLOTS_A_DAY : 0);
}
