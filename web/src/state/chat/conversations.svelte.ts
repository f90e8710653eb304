/** The conversations kept on this device. */
import type { Clock } from '@llmesh/core/base/clock';
import type { Conversation } from './conversation.svelte.ts';
import { parseSummary, parseTurns, SUMMARIES, summaryKey, turnsKey, type Summary } from './kept-conversation.ts';
import type { Scope } from '../scope.ts';
import type { Store } from '../store.ts';
import { saidOf, type ShownTurn } from './turn.ts';

/** How often a streaming answer is kept; at its end it is kept at once. */
const KEEP_EVERY_MS = 1_000;

export interface ConversationsNeeds {
  store: Store;
  clock: Clock;
  /** Milliseconds since 1970. */
  now: () => number;
}

export class Conversations {
  readonly #needs: ConversationsNeeds;
  #list = $state.raw<Summary[]>([]);
  #removed = $state.raw<{ summary: Summary; turns: ShownTurn[] } | null>(null);
  #problem = $state<string | null>(null);
  /** Cancels the pending write of a conversation. */
  readonly #pending = new Map<string, () => void>();
  /** Writes follow each other, so that an older one never lands last. */
  #writing: Promise<void> = Promise.resolve();

  constructor(needs: ConversationsNeeds) {
    this.#needs = needs;
    if (!needs.store.lasting) this.#problem = 'Nothing will be saved: storage is blocked in this browser.';
  }

  /** Newest first. */
  get list(): readonly Summary[] {
    return this.#list;
  }

  /** What was deleted last and can be brought back. */
  get removed(): Summary | null {
    return this.#removed?.summary ?? null;
  }

  /** Why something could not be kept, for a person. */
  get problem(): string | null {
    return this.#problem;
  }

  async restore(): Promise<void> {
    const kept = await this.#needs.store.list(SUMMARIES);
    const found = kept.map(([, value]) => parseSummary(value)).filter((summary) => summary !== null);
    this.#list = found.sort(newestFirst);
  }

  /** Who can answers next question; the narrowest for one that is not in the list. */
  scopeOf(id: string): Scope {
    return this.#list.find((summary) => summary.id === id)?.scope ?? 'device';
  }

  /** `null` when there is none, or none that can be read. */
  async turns(id: string): Promise<ShownTurn[] | null> {
    return parseTurns(await this.#needs.store.get(turnsKey(id)));
  }

  /** Conversations whose title or words contain `query`, ignoring case. */
  async find(query: string): Promise<Summary[]> {
    const needle = query.trim().toLowerCase();
    if (needle === '') return [...this.#list];
    const hits = await Promise.all(
      this.#list.map(async (summary) => {
        if (summary.title.toLowerCase().includes(needle)) return true;
        const turns = await this.turns(summary.id);
        return (
          turns?.some((turn) => (turn.role === 'user' ? turn.text : saidOf(turn)).toLowerCase().includes(needle)) ??
          false
        );
      }),
    );
    return this.#list.filter((_, i) => hits[i]);
  }

  /** Keeps the conversation soon, or at once when no answer is being written. */
  keep(conversation: Conversation): void {
    if (conversation.turns.length === 0) return;
    const kept = this.#list.find((summary) => summary.id === conversation.id);
    const { id, title, waiting, scope } = conversation;
    const summary = { id, title, waiting, scope };
    if (kept?.title !== title || kept.waiting !== waiting || kept.scope !== scope) {
      this.#show({ ...summary, updatedAt: this.#needs.now() });
    }
    if (conversation.running === null) {
      this.#write(conversation);
    } else if (!this.#pending.has(conversation.id)) {
      this.#pending.set(
        conversation.id,
        this.#needs.clock.after(KEEP_EVERY_MS, () => this.#write(conversation)),
      );
    }
  }

  async remove(id: string): Promise<void> {
    this.#forget(id);
    const summary = this.#list.find((each) => each.id === id);
    if (summary === undefined) return;
    this.#list = this.#list.filter((each) => each.id !== id);
    const turns = await this.turns(id);
    this.#removed = turns === null ? null : { summary, turns };
    this.#queue(() => this.#needs.store.delete([summaryKey(id), turnsKey(id)]));
  }

  /** Brings back what was deleted last. */
  undo(): void {
    const removed = this.#removed;
    if (removed === null) return;
    this.#removed = null;
    this.#show(removed.summary);
    const { id } = removed.summary;
    this.#queue(() =>
      this.#needs.store.set([
        [summaryKey(id), removed.summary],
        [turnsKey(id), removed.turns],
      ]),
    );
  }

  /** Makes the last deletion final. */
  settle(): void {
    this.#removed = null;
  }

  /** Forgets everything, for good. */
  async clear(): Promise<void> {
    const keys = this.#list.flatMap(({ id }) => [summaryKey(id), turnsKey(id)]);
    for (const { id } of this.#list) this.#forget(id);
    this.#list = [];
    this.#removed = null;
    this.#queue(() => this.#needs.store.delete(keys));
    await this.#writing;
  }

  /** Resolves when all writes so far are done. */
  async settled(): Promise<void> {
    await this.#writing;
  }

  #show(summary: Summary): void {
    this.#list = [...this.#list.filter((each) => each.id !== summary.id), summary].sort(newestFirst);
  }

  #write(conversation: Conversation): void {
    this.#forget(conversation.id);
    const { id, title, waiting, scope } = conversation;
    const summary: Summary = { id, title, waiting, scope, updatedAt: this.#needs.now() };
    this.#show(summary);
    const turns = conversation.snapshot();
    this.#queue(() =>
      this.#needs.store.set([
        [summaryKey(id), summary],
        [turnsKey(id), turns],
      ]),
    );
  }

  #forget(id: string): void {
    this.#pending.get(id)?.();
    this.#pending.delete(id);
  }

  #queue(write: () => Promise<void>): void {
    this.#writing = this.#writing.then(write).then(
      () => {
        if (this.#needs.store.lasting) this.#problem = null;
      },
      (error: unknown) => {
        const full = (error as { name?: unknown } | null)?.name === 'QuotaExceededError';
        this.#problem = full
          ? 'This browser has no room left: new messages are not kept. Delete some conversations.'
          : 'This browser did not keep the conversation.';
      },
    );
  }
}

function newestFirst(a: Summary, b: Summary): number {
  return b.updatedAt - a.updatedAt;
}
