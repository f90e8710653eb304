/**
 * Donating goes on in a tab that was reloaded, or that the browser brought back; after the browser was closed, if the person
 * wants that. What nobody has switched on, or somebody has switched off, stays off.
 */
import type { Clock } from '@llmesh/core/base/clock';
import { isModelId, newTaskId, type ModelId } from '@llmesh/core/base/ids';
import * as v from 'valibot';
import type { Locks, Release } from '../locks.ts';
import type { Store } from '../store.ts';
import type { KeptByKey } from '../kept/kept-at-once.ts';
import { DONATING, TAB } from './was-donating.ts';

/** Whether the person wants it when the page is opened. */
const WISH = 'resume/wish';
/** One donating tab has it, so that a tab that is opened beside it does not begin as well. */
const LOCK = 'donating';
/** How long the page before a reload may take to let go; without locks of the browser, a killed tab needs the longest. */
const PATIENCE_MS = 5_000;

const TabSchema = v.object({
  /** A duplicated tab has the same: only one of them goes on. */
  id: v.pipe(v.string(), v.maxLength(32)),
  model: v.nullable(v.custom<ModelId>(isModelId)),
});

export interface ResumeNeeds {
  store: Store;
  clock: Clock;
  tab: KeptByKey;
  locks: Locks;
  donate: {
    readonly on: boolean;
    readonly lent: { readonly model: { readonly id: ModelId } } | null;
    readonly device: { choose(id: ModelId): void };
    start(): Promise<void>;
  };
  announce: (text: string) => void;
  failed: (error: unknown) => void;
}

/** resumed: it went on by itself · stopped: it ended with the page, and nobody has been told yet */
export type ResumeNote = 'resumed' | 'stopped';

export const RESUME_WORDS: Record<ResumeNote, string> = {
  resumed: 'You’re donating again: this page was reloaded or reopened while you were.',
  stopped: 'Donating stopped when the page was closed. Press “Start donating” to go on.',
};

export class Resume {
  readonly #needs: ResumeNeeds;
  #wanted = $state(false);
  #note = $state<ResumeNote | null>(null);
  #id: string | null = null;

  constructor(needs: ResumeNeeds) {
    this.#needs = needs;
  }

  /** Whether to go on when the page is opened after the browser was closed. */
  get wanted(): boolean {
    return this.#wanted;
  }

  set wanted(wanted: boolean) {
    this.#wanted = wanted;
    this.#keep(WISH, wanted);
  }

  get note(): ResumeNote | null {
    return this.#note;
  }

  /** Goes on with what was donated, and remembers from then on what is, until the returned function is called. Never rejects. */
  async follow(): Promise<() => void> {
    const { store, failed } = this.#needs;
    try {
      this.#wanted = (await store.get(WISH)) === true;
      await this.#goOn();
    } catch (error) {
      failed(error);
    }
    const unfollow = store.follow(WISH, (entries) => {
      for (const [, value] of entries) this.#wanted = value === true;
    });
    const stop = $effect.root(() => {
      // Derived, because the status of donating changes all the time; whether it is on does not.
      const on = $derived(this.#needs.donate.on);
      const model = $derived(this.#needs.donate.lent?.model.id ?? null);
      $effect(() => (on ? this.#began() : undefined));
      $effect(() => {
        if (on && model !== null) this.#needs.tab.write(TAB, { id: this.#id, model });
      });
    });
    return () => {
      unfollow();
      stop();
    };
  }

  async #goOn(): Promise<void> {
    const { tab, store, locks } = this.#needs;
    const before = v.safeParse(TabSchema, tab.read(TAB));
    if (before.success) {
      tab.write(TAB, null);
      const { id, model } = before.output;
      const release = await this.#patiently(lockOf(id));
      // The tab of which this one is a copy has it.
      if (release === null) return;
      release();
      this.#id = id;
      this.#start(model);
    } else if ((await store.get(DONATING)) === true) {
      const release = await locks.tryHold(LOCK);
      if (release === null) return;
      release();
      if (this.#wanted) return this.#start(null);
      this.#note = 'stopped';
      this.#keep(DONATING, false);
      this.#needs.announce(RESUME_WORDS.stopped);
    }
  }

  /** null: it stays with another tab. */
  async #patiently(lock: string): Promise<Release | null> {
    const { locks, clock } = this.#needs;
    const patience = new AbortController();
    const stop = clock.after(PATIENCE_MS, () => patience.abort());
    try {
      return await locks.hold(lock, patience.signal);
    } catch (error) {
      if (patience.signal.aborted) return null;
      throw error;
    } finally {
      stop();
    }
  }

  #start(model: ModelId | null): void {
    const { donate, announce } = this.#needs;
    if (donate.on) return;
    if (model !== null) donate.device.choose(model);
    this.#note = 'resumed';
    announce(RESUME_WORDS.resumed);
    void donate.start();
  }

  /** Returns what is to be done when it ends: nothing is, when the page ends first. */
  #began(): () => void {
    const { tab, locks, failed } = this.#needs;
    const id = (this.#id ??= newTaskId());
    const ended = new AbortController();
    if (this.#note === 'stopped') this.#note = null;
    tab.write(TAB, { id, model: null });
    this.#keep(DONATING, true);
    const holds = [LOCK, lockOf(id)].map((name) => locks.hold(name, ended.signal));
    const release = (held: Release) => held();
    for (const hold of holds) hold.catch((error: unknown) => ended.signal.aborted || failed(error));
    return () => {
      ended.abort();
      for (const hold of holds) hold.then(release, () => {});
      this.#note = null;
      tab.write(TAB, null);
      this.#keep(DONATING, false);
    };
  }

  #keep(key: string, value: boolean): void {
    this.#needs.store.set([[key, value]]).catch(this.#needs.failed);
  }
}

function lockOf(id: string): string {
  return `donating/${id}`;
}
