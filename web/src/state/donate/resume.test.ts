import type { ModelId } from '@llmesh/core/base/ids';
import { ManualClock } from '@llmesh/core/testing/manual-clock';
import { flushSync } from 'svelte';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { PretendDonating } from '../../testing/pretend-donating.svelte.ts';
import type { Locks } from '../locks.ts';
import { MemoryStore } from '../store.ts';
import { memoryKept } from '../../testing/pretend-browser.ts';
import { RESUME_WORDS, Resume } from './resume.svelte.ts';

const MODEL = 'a-model' as ModelId;

/** The locks of one browser, of which each of its tabs gets its own door. */
class PretendLocks {
  readonly #held = new Map<string, object>();
  #waiting: { name: string; tab: object; got: () => void }[] = [];

  ofTab(tab: object): Locks {
    const take = (name: string) => {
      this.#held.set(name, tab);
      return () => this.#free(name, tab);
    };
    return {
      hold: (name, signal) =>
        new Promise((resolve, reject) => {
          if (!this.#held.has(name)) return resolve(take(name));
          this.#waiting.push({ name, tab, got: () => resolve(take(name)) });
          signal.addEventListener('abort', () => reject(signal.reason));
        }),
      tryHold: async (name) => (this.#held.has(name) ? null : take(name)),
    };
  }

  /** The browser takes them from a tab that is gone. */
  gone(tab: object): void {
    this.#waiting = this.#waiting.filter((one) => one.tab !== tab);
    for (const [name, holder] of this.#held) if (holder === tab) this.#free(name, tab);
  }

  #free(name: string, tab: object): void {
    if (this.#held.get(name) !== tab) return;
    this.#held.delete(name);
    this.#waiting.find((one) => one.name === name)?.got();
  }
}

class PretendTab {
  readonly kept: Map<string, unknown>;
  readonly donate = new PretendDonating();
  readonly said: string[] = [];
  readonly resume: Resume;
  #stop = () => {};

  constructor(kept = new Map<string, unknown>()) {
    this.kept = kept;
    const tab = memoryKept(kept);
    this.resume = new Resume({
      store: new MemoryStore(browser),
      clock,
      tab,
      locks: locks.ofTab(this),
      donate: this.donate,
      announce: (text) => this.said.push(text),
      failed: (error) => {
        throw error;
      },
    });
  }

  async open(): Promise<this> {
    this.#stop = await this.resume.follow();
    flushSync();
    return this;
  }

  donateNow(): void {
    this.donate.begin(MODEL);
    flushSync();
  }

  stopDonating(): void {
    this.donate.end();
    flushSync();
  }

  /** As the browser ends a page: nothing of it runs any more. */
  vanish(): Map<string, unknown> {
    const left = new Map(this.kept);
    open.delete(this);
    locks.gone(this);
    return left;
  }

  end(): void {
    this.#stop();
  }
}

let browser: MemoryStore;
let clock: ManualClock;
let locks: PretendLocks;
let open: Set<PretendTab>;
const openTab = async (kept?: Map<string, unknown>) => {
  const tab = await new PretendTab(kept).open();
  open.add(tab);
  return tab;
};
beforeEach(() => {
  browser = new MemoryStore();
  clock = new ManualClock();
  locks = new PretendLocks();
  open = new Set();
});
afterEach(() => {
  for (const tab of open) tab.end();
});

test('nothing begins where nobody has begun', async () => {
  const tab = await openTab();
  tab.resume.wanted = true;
  tab.vanish();
  expect((await openTab()).donate.started).toEqual([]);
});

test('a tab that was reloaded goes on with its model, and says so', async () => {
  const before = await openTab();
  before.donateNow();
  const tab = await openTab(before.vanish());
  expect(tab.donate.started).toEqual([MODEL]);
  expect([tab.resume.note, tab.said]).toEqual(['resumed', [RESUME_WORDS.resumed]]);
  tab.stopDonating();
  expect(tab.resume.note).toBeNull();
  expect((await openTab(tab.vanish())).donate.started).toEqual([]);
});

test('each of two donating tabs goes on, and a copy of one does not', async () => {
  const [first, second] = [await openTab(), await openTab()];
  first.donateNow();
  second.donateNow();
  const again = await openTab(first.vanish());
  expect((await openTab(second.vanish())).donate.started).toEqual([MODEL]);
  expect(again.donate.started).toEqual([MODEL]);
});

test('a tab that was duplicated does not go on beside its original', async () => {
  const tab = await openTab();
  tab.donateNow();
  const opened = openTab(new Map(tab.kept));
  await clock.advance(5_000);
  const copy = await opened;
  expect([copy.donate.started, copy.resume.note]).toEqual([[], null]);
});

test('after the browser was closed it says that donating stopped, once', async () => {
  const before = await openTab();
  before.donateNow();
  before.vanish();
  const tab = await openTab();
  expect([tab.donate.started, tab.resume.note, tab.said]).toEqual([[], 'stopped', [RESUME_WORDS.stopped]]);
  tab.donateNow();
  expect(tab.resume.note).toBeNull();
  tab.stopDonating();
  tab.vanish();
  expect((await openTab()).resume.note).toBeNull();
});

test('whoever wants it finds it on again after the browser was closed, in one tab', async () => {
  const before = await openTab();
  before.resume.wanted = true;
  before.donateNow();
  before.vanish();
  const tab = await openTab();
  expect([tab.donate.started.length, tab.resume.wanted]).toEqual([1, true]);
  expect((await openTab()).donate.started).toEqual([]);
  tab.stopDonating();
  tab.vanish();
  expect((await openTab()).donate.started).toEqual([]);
});

test('the wish is one for all tabs', async () => {
  const [first, second] = [await openTab(), await openTab()];
  first.resume.wanted = true;
  await expect.poll(() => second.resume.wanted).toBe(true);
});
