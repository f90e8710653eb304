/** All that ever happened to our credits, page by page, the newest first. */
import type { PeerId } from '@llmesh/core/base/ids';
import { PostingsPageSchema, type PostingView } from '@llmesh/core/wire/credit-pages';
import type * as v from 'valibot';
import { poll } from '../network/poll.ts';
import { entriesOf, type Entry } from './entries.ts';
import { readPage, type ServerNeeds } from './server-page.svelte.ts';

type PostingsPage = v.InferOutput<typeof PostingsPageSchema>;

/** The most pages that one file takes: a server that never ends would fill our memory. */
const MAX_PAGES = 1_000;
const RENEW_MS = 10_000;

export class History {
  readonly #self: PeerId;
  readonly #needs: ServerNeeds;
  #postings: readonly PostingView[] = [];
  /** Where older ones begin; null: there are none. Undefined: nobody has asked yet. */
  #next = $state.raw<number | null | undefined>(undefined);
  #failed = $state(false);
  #loading = $state(false);
  /** What is derived belongs to the page that first looked, and stands still when one leaves that page: this must not. */
  #entries = $state.raw<readonly Entry[]>([]);

  constructor(self: PeerId, needs: ServerNeeds) {
    this.#self = self;
    this.#needs = needs;
  }

  get entries(): readonly Entry[] {
    return this.#entries;
  }

  /** Whether the server has said anything yet. */
  get known(): boolean {
    return this.#next !== undefined;
  }

  get hasOlder(): boolean {
    return typeof this.#next === 'number';
  }

  /** Older ones are on their way. */
  get loading(): boolean {
    return this.#loading;
  }

  /** The last request was in vain. */
  get failed(): boolean {
    return this.#failed;
  }

  /** Asks now, and again and again, until the returned function is called. */
  watch(): () => void {
    return poll((signal) => this.renew(signal), RENEW_MS, this.#needs.clock);
  }

  /** What is new since. Where more is new than fits on a page, the rest is found again page by page. */
  async renew(signal: AbortSignal): Promise<void> {
    await this.#ask(undefined, signal, ({ postings, next }) => {
      const oldest = Math.min(...postings.map(({ index }) => index));
      const meets = this.known && this.#postings.some(({ index }) => index >= oldest);
      // What is final now replaces what was not.
      const older = meets ? this.#postings.filter(({ index }) => index < oldest) : [];
      this.#hold([...postings, ...older]);
      if (older.length === 0) this.#next = next ?? null;
    });
  }

  async older(signal: AbortSignal): Promise<void> {
    const before = this.#next;
    if (typeof before !== 'number' || this.#loading) return;
    this.#loading = true;
    await this.#ask(before, signal, ({ postings, next }) => {
      // Should all have been found anew meanwhile, these do not follow on it.
      if (this.#next !== before) return;
      this.#hold([...this.#postings, ...postings]);
      this.#next = next ?? null;
    });
    this.#loading = false;
  }

  /** All of it, for a file. Rejects when a page does not come. `whole`: there is nothing older. */
  async all(signal: AbortSignal): Promise<{ postings: PostingView[]; whole: boolean }> {
    const postings: PostingView[] = [];
    let before: number | undefined;
    for (let pages = 0; pages < MAX_PAGES; pages++) {
      const page = await this.#read(before, signal);
      postings.push(...page.postings);
      if (page.next === undefined) return { postings, whole: true };
      before = page.next;
    }
    return { postings, whole: false };
  }

  #hold(postings: readonly PostingView[]): void {
    this.#postings = postings;
    this.#entries = entriesOf(postings);
  }

  async #ask(before: number | undefined, signal: AbortSignal, take: (page: PostingsPage) => void): Promise<void> {
    try {
      const page = await this.#read(before, signal);
      if (!signal.aborted) {
        take(page);
        this.#failed = false;
      }
    } catch {
      // The page says so, and offers to try again.
      if (!signal.aborted) this.#failed = true;
    }
  }

  #read(before: number | undefined, signal: AbortSignal): Promise<PostingsPage> {
    const from = before === undefined ? '' : `&before=${before}`;
    const path = `/api/postings?peer=${this.#self}${from}`;
    return readPage(path, PostingsPageSchema, this.#needs.getJson, signal);
  }
}
