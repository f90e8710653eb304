/** Finds conversations by what was said in them. They are read when somebody is about to search, and only then. */
import type { Clock } from '@llmesh/core/base/clock';
import type { Summary } from '../kept-conversation.ts';
import { fold, wordsOf } from './fold.ts';
import type { FoundLine } from './found-line.ts';
import { SearchIndex } from './search-index.ts';

/** So many are read at a time: each comes in a moment of its own, with others between for the page. */
const READ_AT_ONCE = 8;
/** While they are read, what is found is brought up to date so often. */
const NEWS_EVERY_MS = 250;

export interface ConversationSearchNeeds {
  /** Newest first; each the same until something in its conversation changes. */
  list: () => readonly Summary[];
  /** What was said in it. */
  texts: (id: string) => Promise<string[]>;
  clock: Clock;
  failed: (error: unknown) => void;
}

/** What a page shows of it. */
export type Search = Pick<ConversationSearch, 'reading' | 'prepare' | 'find' | 'line'>;

export class ConversationSearch {
  readonly #needs: ConversationSearchNeeds;
  readonly #index = new SearchIndex();
  /** Each conversation that was read, as it was then. */
  readonly #read = new Map<string, Summary>();
  #news = $state.raw(0);
  #reading = $state.raw(false);
  #isPrepared = $state.raw(false);
  /** Something changed while they were read. */
  #again = false;
  /** What was found last: whoever types on looks only there. */
  #last: { words: string; news: number; list: readonly Summary[]; found: Summary[] } | null = null;

  constructor(needs: ConversationSearchNeeds) {
    this.#needs = needs;
  }

  /** Not all conversations were read yet: more may be found in a moment. */
  get reading(): boolean {
    return this.#reading || !this.#isPrepared;
  }

  /** Reads what is new. Never rejects. */
  async prepare(): Promise<void> {
    this.#again = true;
    if (this.#reading) return;
    this.#reading = true;
    while (this.#again) {
      this.#again = false;
      await this.#readAll();
    }
    this.#reading = false;
    this.#isPrepared = true;
  }

  /** Those that hold every word of the query. Of one that was not read yet only the title is known. */
  find(query: string): Summary[] {
    const words = wordsOf(query);
    const news = this.#news;
    const list = this.#needs.list();
    const last = this.#last;
    const typed = words.join(' ');
    const narrower = last !== null && last.news === news && last.list === list && typed.startsWith(last.words);
    const found = (narrower ? last.found : list).filter(
      ({ id, title }) => this.#index.has(id, words) ?? hasAll(fold(title), words),
    );
    this.#last = { words: typed, news, list, found };
    return found;
  }

  /** Where it was found; null: in the title alone. */
  line(id: string, query: string): FoundLine | null {
    void this.#news;
    return this.#index.line(id, wordsOf(query));
  }

  async #readAll(): Promise<void> {
    const { list, clock } = this.#needs;
    const all = list();
    this.#forgetAllBut(all);
    const stale = all.filter((summary) => this.#read.get(summary.id) !== summary);
    let toldMs = clock.now();
    for (let from = 0; from < stale.length; from += READ_AT_ONCE) {
      await Promise.all(stale.slice(from, from + READ_AT_ONCE).map((summary) => this.#readOne(summary)));
      if (clock.now() - toldMs < NEWS_EVERY_MS) continue;
      toldMs = clock.now();
      this.#news += 1;
    }
    if (stale.length > 0) this.#news += 1;
  }

  async #readOne(summary: Summary): Promise<void> {
    const { id, title } = summary;
    try {
      const texts = await this.#needs.texts(id);
      this.#index.take(id, [title, ...texts]);
      this.#read.set(id, summary);
    } catch (error) {
      this.#needs.failed(error);
    }
  }

  #forgetAllBut(list: readonly Summary[]): void {
    const there = new Set(list.map(({ id }) => id));
    for (const id of this.#read.keys()) {
      if (there.has(id)) continue;
      this.#read.delete(id);
      this.#index.drop(id);
    }
  }
}

function hasAll(folded: string, words: readonly string[]): boolean {
  return words.every((word) => folded.includes(word));
}
