/** What this device gave, day by day. Kept here and told to nobody. */
import { locale } from '../../language/languages.ts';
import type { PeerId } from '@llmesh/core/base/ids';
import * as v from 'valibot';
import { parserOf } from '../kept/parser.ts';
import { readRecord, recordOf, type Shape } from '../kept/record-shape.ts';
import type { Entry, Store } from '../store.ts';

const DAYS = 'record/given/';
/** Where pages kept the days before there were records. */
const OLD_DAYS = 'given:';
const DAYS_SHOWN = 7;
const DAY_MS = 86_400_000;
/** The most names per day, so that a stranger with many names cannot fill the store. */
const MAX_PEOPLE = 10_000;

const count = v.pipe(v.number(), v.integer(), v.minValue(0));
const parse = parserOf(
  // Missing in days before this device checked answers of others, and before it took the time.
  v.object({
    tokens: count,
    answers: count,
    people: v.array(v.string()),
    audits: v.optional(count, 0),
    writingMs: v.optional(count, 0),
  }),
);
type Day = NonNullable<ReturnType<typeof parse>>;
type Days = ReadonlyMap<string, Day>;
const NOTHING: Day = { tokens: 0, answers: 0, people: [], audits: 0, writingMs: 0 };

/** What was done since it was last told. */
export interface Done {
  tokens: number;
  answers: number;
  /** Answers of others that were checked. */
  audits: number;
  /** How long answers were written. */
  writingMs: number;
  peers: readonly PeerId[];
}

export interface DayGiven {
  /** "Fri" */
  name: string;
  tokens: number;
  answers: number;
  people: number;
  writingMs: number;
  today: boolean;
}

export interface AllGiven {
  /** The first day on which something was given; null before that. */
  since: Date | null;
  tokens: number;
  answers: number;
  audits: number;
}

export interface TotalsNeeds {
  store: Store;
  /** Milliseconds since 1970. */
  now: () => number;
  failed: (error: unknown) => void;
}

export class DonateTotals {
  readonly #needs: TotalsNeeds;
  /** What the store has, from all tabs. */
  #kept = $state.raw<Days>(new Map());
  /** What this tab adds to that now, and what it adds next. */
  #adding = $state.raw<Days>(new Map());
  #unkept = $state.raw<Days>(new Map());
  readonly #days = $derived(sum(sum(this.#kept, this.#adding), this.#unkept));
  /** The days of which other tabs told since our own change was carried out: what they told includes ours. */
  readonly #told = new Set<string>();
  #writing: Promise<void> = Promise.resolve();

  constructor(needs: TotalsNeeds) {
    this.#needs = needs;
    needs.store.follow(DAYS, (entries) => {
      this.#take(entries);
      for (const [key] of entries) this.#told.add(key);
    });
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
    let audits = 0;
    let first: string | null = null;
    for (const [key, day] of this.#days) {
      tokens += day.tokens;
      answers += day.answers;
      audits += day.audits;
      if (first === null || key < first) first = key;
    }
    return { since: first === null ? null : new Date(`${first}T12:00:00`), tokens, answers, audits };
  }

  /** Reads what was given. Never rejects. */
  async restore(): Promise<void> {
    const { store, failed } = this.#needs;
    try {
      await this.#move();
      this.#take(await store.list(DAYS));
    } catch (error) {
      failed(error);
    }
  }

  add({ tokens = 0, answers = 0, audits = 0, writingMs = 0, peers = [] }: Partial<Done>): void {
    const key = keyOf(this.#needs.now());
    const known = this.#days.get(key)?.people ?? [];
    const people = peers.filter((peer) => !known.includes(peer));
    if (tokens + answers + audits + writingMs + people.length === 0) return;
    this.#unkept = sum(this.#unkept, new Map([[key, { tokens, answers, people, audits, writingMs }]]));
    if (answers + audits > 0) this.keep();
  }

  /** Saves what was not saved: after every answer, and when lending ends. */
  keep(): void {
    this.#writing = this.#adding.size === 0 ? this.#write() : this.#writing.then(() => this.#write());
  }

  /** Resolves when all so far is saved, or cannot be. */
  async settled(): Promise<void> {
    await this.#writing;
  }

  async #write(): Promise<void> {
    const { store, failed } = this.#needs;
    if (this.#unkept.size === 0) return;
    this.#adding = this.#unkept;
    this.#unkept = new Map();
    const added = this.#adding;
    try {
      const written = await store.change({ keys: [...added.keys()].map((day) => shapeOf(day).key) }, (present) => {
        this.#told.clear();
        return [...added].flatMap(([day, more]) => {
          const shape = shapeOf(day);
          const read = readRecord(shape, present.get(shape.key));
          if (read.type === 'newer') return [];
          return [recordOf(shape, plus(read.type === 'known' ? read.value : NOTHING, more))];
        });
      });
      this.#adding = new Map();
      this.#take(written.filter(([key]) => !this.#told.has(key)));
    } catch (error) {
      this.#unkept = sum(added, this.#unkept);
      this.#adding = new Map();
      failed(error);
    }
  }

  async #move(): Promise<void> {
    const { store } = this.#needs;
    if ((await store.list(OLD_DAYS)).length === 0) return;
    await store.change({ prefixes: [OLD_DAYS, DAYS] }, (present) =>
      [...present]
        .filter(([key]) => key.startsWith(OLD_DAYS))
        .flatMap(([key, raw]): Entry[] => {
          const shape = shapeOf(key.slice(OLD_DAYS.length));
          const day = parse(raw);
          const moves = day !== null && !present.has(shape.key);
          return moves ? [recordOf(shape, day), [key, undefined]] : [[key, undefined]];
        }),
    );
  }

  #take(entries: readonly Entry[]): void {
    const days = new Map(this.#kept);
    for (const [key, raw] of entries) {
      const day = key.slice(DAYS.length);
      const read = readRecord(shapeOf(day), raw);
      if (read.type === 'known') days.set(day, read.value);
    }
    this.#kept = days;
  }

  #dayAt(daysAgo: number): DayGiven {
    const time = this.#needs.now() - daysAgo * DAY_MS;
    const day = this.#days.get(keyOf(time));
    return {
      name: new Date(time).toLocaleDateString(locale, { weekday: 'short' }),
      tokens: day?.tokens ?? 0,
      answers: day?.answers ?? 0,
      people: day?.people.length ?? 0,
      writingMs: day?.writingMs ?? 0,
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

function shapeOf(day: string): Shape<Day> {
  return { key: DAYS + day, version: 1, parse };
}

function sum(days: Days, more: Days): Days {
  if (more.size === 0) return days;
  const all = new Map(days);
  for (const [key, day] of more) all.set(key, plus(all.get(key) ?? NOTHING, day));
  return all;
}

function plus(a: Day, b: Day): Day {
  return {
    tokens: a.tokens + b.tokens,
    answers: a.answers + b.answers,
    audits: a.audits + b.audits,
    writingMs: a.writingMs + b.writingMs,
    people: [...new Set([...a.people, ...b.people])].slice(0, MAX_PEOPLE),
  };
}
