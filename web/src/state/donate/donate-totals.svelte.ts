/** What this device gave, day by day. Kept here and told to nobody. */
import type { PeerId } from '@llmesh/core/base/ids';
import * as v from 'valibot';
import type { Store } from '../store.ts';

const PREFIX = 'given:';
const DAYS_SHOWN = 7;
const DAY_MS = 86_400_000;
/** The most names per day, so that a stranger with many names cannot fill the store. */
const MAX_PEOPLE = 10_000;

const count = v.pipe(v.number(), v.integer(), v.minValue(0));
const DaySchema = v.object({ tokens: count, answers: count, people: v.array(v.string()) });
type Day = v.InferOutput<typeof DaySchema>;

export interface DayGiven {
  /** "Fri" */
  name: string;
  tokens: number;
  answers: number;
  people: number;
  today: boolean;
}

export interface AllGiven {
  /** The first day on which something was given; null before that. */
  since: Date | null;
  tokens: number;
  answers: number;
}

export interface TotalsNeeds {
  store: Store;
  /** Milliseconds since 1970. */
  now: () => number;
  failed: (error: unknown) => void;
}

export class DonateTotals {
  readonly #needs: TotalsNeeds;
  #days = $state.raw<ReadonlyMap<string, Day>>(new Map());

  constructor(needs: TotalsNeeds) {
    this.#needs = needs;
  }

  get today(): DayGiven {
    return this.#dayAt(0);
  }

  /** Seven days, today last. */
  get week(): DayGiven[] {
    return Array.from({ length: DAYS_SHOWN }, (_, i) => this.#dayAt(DAYS_SHOWN - 1 - i));
  }

  get all(): AllGiven {
    let tokens = 0;
    let answers = 0;
    let first: string | null = null;
    for (const [key, day] of this.#days) {
      tokens += day.tokens;
      answers += day.answers;
      if (first === null || key < first) first = key;
    }
    return { since: first === null ? null : new Date(`${first}T12:00:00`), tokens, answers };
  }

  async restore(): Promise<void> {
    const days = new Map<string, Day>();
    for (const [key, value] of await this.#needs.store.list(PREFIX)) {
      const day = v.safeParse(DaySchema, value);
      if (day.success) days.set(key.slice(PREFIX.length), day.output);
    }
    this.#days = days;
  }

  add(tokens: number, answers: number, peers: readonly PeerId[]): void {
    const key = keyOf(this.#needs.now());
    const before = this.#days.get(key) ?? { tokens: 0, answers: 0, people: [] };
    const people = new Set([...before.people, ...peers]);
    if (tokens === 0 && answers === 0 && people.size === before.people.length) return;
    const day: Day = {
      tokens: before.tokens + tokens,
      answers: before.answers + answers,
      people: [...people].slice(0, MAX_PEOPLE),
    };
    this.#days = new Map(this.#days).set(key, day);
    if (answers > 0) this.keep();
  }

  /** Saves today's numbers: after every answer, and when lending ends. */
  keep(): void {
    const key = keyOf(this.#needs.now());
    const day = this.#days.get(key);
    if (day !== undefined) this.#needs.store.set([[PREFIX + key, day]]).catch(this.#needs.failed);
  }

  #dayAt(daysAgo: number): DayGiven {
    const time = this.#needs.now() - daysAgo * DAY_MS;
    const day = this.#days.get(keyOf(time));
    return {
      name: new Date(time).toLocaleDateString('en', { weekday: 'short' }),
      tokens: day?.tokens ?? 0,
      answers: day?.answers ?? 0,
      people: day?.people.length ?? 0,
      today: daysAgo === 0,
    };
  }
}

/** The day in local time: "2026-03-01". */
function keyOf(time: number): string {
  const date = new Date(time);
  const two = (value: number) => String(value).padStart(2, '0');
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}
