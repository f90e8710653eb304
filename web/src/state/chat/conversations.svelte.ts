/** The list of the conversations kept on this device, as all tabs of the browser know it. */
import { asLabel } from '@llmesh/core/base/label';
import { next } from './answer-change.ts';
import { MOST_TITLE } from './title.ts';
import { summaryOf, type KeptTurn, type Summary, type Talk } from './kept-conversation.ts';
import { hasEarlierTalks } from './kept/earlier-pages.ts';
import { TalkRecords, type Removed } from './kept/talk-records.ts';
import type { ReadTurns } from './kept/turn-reader.ts';
import type { Locks } from '../locks.ts';
import type { Store } from '../store.ts';
import { isRunning, newAnswer, type ShownTurn } from './turn.ts';

export interface ConversationsNeeds {
  store: Store;
  locks: Locks;
  /** Milliseconds since 1970. */
  now: () => number;
  /** Hears why something was not kept, for the console. */
  failed: (error: unknown) => void;
}

export class Conversations {
  readonly records: TalkRecords;
  readonly #needs: ConversationsNeeds;
  #talks = $state.raw<readonly Talk[]>([]);
  readonly #list = $derived(this.#talks.map(summaryOf));
  #removed = $state.raw<{ summary: Summary; removed: Promise<Removed | null> } | null>(null);
  /** Those that are being deleted are not shown again meanwhile. */
  readonly #removing = new Set<string>();
  #problem = $state<string | null>(null);

  constructor(needs: ConversationsNeeds) {
    this.#needs = needs;
    const { store, now } = needs;
    if (!store.lasting) this.#problem = 'Nothing will be saved: storage is blocked in this browser.';
    this.records = new TalkRecords({
      store,
      now,
      failed: (error) => this.#notKept(error),
      kept: () => {
        if (store.lasting) this.#problem = null;
      },
    });
  }

  /** Milliseconds since 1970. */
  now(): number {
    return this.#needs.now();
  }

  /** Those that are pinned, then the others, newest first. */
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
    const { store, locks, now } = this.#needs;
    try {
      if (await hasEarlierTalks(store)) await (await import('./kept/migration.ts')).migrate(store, locks, now);
    } catch (error) {
      this.#notKept(error);
    }
    this.#talks = (await this.records.talks()).sort(newestFirst);
  }

  talk(id: string): Talk | null {
    return this.#talks.find((talk) => talk.id === id) ?? null;
  }

  has(id: string): boolean {
    return this.talk(id) !== null;
  }

  turns(id: string): Promise<KeptTurn[]> {
    return this.records.turns(id);
  }

  /** The last turns, and how to read those before; all of a conversation that is not long. */
  lastTurns(talk: Talk): Promise<ReadTurns> {
    return this.records.lastTurns(talk);
  }

  /** Names it, in all tabs. */
  async rename(id: string, title: string): Promise<void> {
    const name = asLabel(title, MOST_TITLE);
    if (name !== '') await this.records.choose(id, { title: name, named: true });
  }

  /** Has it stand above the others, or among them. */
  async pin(id: string, pinned: boolean): Promise<void> {
    await this.records.choose(id, { pinned });
  }

  /** Shows what any tab changed. */
  take(changed: readonly { id: string; talk: Talk | null }[], whole: boolean): void {
    const ids = new Set(changed.map(({ id }) => id));
    const others = whole ? [] : this.#talks.filter(({ id }) => !ids.has(id));
    const shown = changed.flatMap(({ id, talk }) => (talk === null || this.#removing.has(id) ? [] : [talk]));
    this.#talks = [...others, ...shown].sort(newestFirst);
  }

  /** Deletes it. `ended`: what this tab had written in it is stopped and kept. `latest`: a turn as this tab knows it. */
  async remove(
    id: string,
    ended: Promise<void>,
    latest: (turn: ShownTurn) => ShownTurn = (turn) => turn,
  ): Promise<void> {
    const talk = this.talk(id);
    this.#removing.add(id);
    this.#talks = this.#talks.filter((each) => each.id !== id);
    const removed = ended.then(() => this.records.remove(id, (turn) => stopped(latest(turn))));
    if (talk !== null) this.#removed = { summary: summaryOf(talk), removed };
    await removed;
    this.#removing.delete(id);
  }

  /** Brings back what was deleted last. */
  async undo(): Promise<void> {
    const removed = this.#removed;
    if (removed === null) return;
    this.#removed = null;
    const records = await removed.removed;
    if (records !== null) await this.records.restore([records]);
  }

  /** Makes the last deletion final. */
  settle(): void {
    this.#removed = null;
  }

  /** Forgets everything, for good. */
  async clear(): Promise<void> {
    this.#talks = [];
    this.#removed = null;
    await this.records.clear();
  }

  /** Resolves when all writes so far are done. */
  async settled(): Promise<void> {
    await this.records.settled();
  }

  #notKept(error: unknown): void {
    this.#needs.failed(error);
    const full = (error as { name?: unknown } | null)?.name === 'QuotaExceededError';
    this.#problem = full
      ? 'This browser has no room left: new messages are not kept. Delete some conversations.'
      : 'This browser did not keep the conversation.';
  }
}

/** What is deleted while it is being written comes back as far as it was, and at rest. */
function stopped(turn: ShownTurn): ShownTurn {
  if (turn.role === 'user' || !isRunning(turn)) return turn;
  return next(turn, { type: 'stopped', ids: turn.ids, before: newAnswer(turn.id, turn.scope, turn.model) });
}

/** Above them those that are pinned. */
function newestFirst(a: Talk, b: Talk): number {
  return a.pinned === b.pinned ? b.updatedAt - a.updatedAt : a.pinned ? -1 : 1;
}
