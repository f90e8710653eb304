/** What is being written into the box, one draft for each conversation, shared by the tabs. */
import { SvelteMap } from 'svelte/reactivity';
import type { Clock } from '@llmesh/core/base/clock';
import { draftKey, DRAFTS } from '../kept-conversation.ts';
import type { KeptByKey } from '../../kept/kept-at-once.ts';
import type { Locks, Release } from '../../locks.ts';
import type { Entry, Store } from '../../store.ts';
import { DraftsAtOnce } from './drafts-at-once.ts';
import { laterOf, parseDraft, type Draft } from './draft.ts';

/** The store gets it in a pause of the typing. */
const KEEP_AFTER_MS = 400;

export interface DraftsNeeds {
  store: Store;
  /** Of all tabs, written at once. */
  shared: KeptByKey;
  locks: Locks;
  clock: Clock;
  now: () => number;
  /** A draft that could not be kept is still in the box: no need to tell the person. */
  failed: (error: unknown) => void;
}

export class Drafts {
  readonly #needs: DraftsNeeds;
  readonly #atOnce: DraftsAtOnce;
  /** In the boxes of this tab. */
  readonly #texts = new SvelteMap<string, string>();
  /** As this tab last kept or read them. */
  readonly #kept = new Map<string, string>();
  /** When the draft was written that this tab last wrote, read or was told of. */
  readonly #at = new Map<string, number>();
  /** Those whose record was looked at: from then on they follow what other tabs keep. */
  readonly #loaded = new Set<string>();
  readonly #timers = new Map<string, () => void>();
  /** Boxes of conversations that are not kept yet: no other tab takes their drafts for ones that were left. */
  readonly #mine = new Map<string, Promise<Release | null>>();

  constructor(needs: DraftsNeeds) {
    this.#needs = needs;
    this.#atOnce = new DraftsAtOnce(needs.shared);
    needs.store.follow(DRAFTS, (entries) => entries.forEach((entry) => this.#take(entry)));
  }

  of(talk: string): string {
    return this.#texts.get(talk) ?? '';
  }

  /** `unsent`: nothing was asked in this conversation yet. */
  type(talk: string, text: string, unsent: boolean): void {
    this.#texts.set(talk, text);
    if (unsent && text !== '') void this.#claim(talk);
    const at = Math.max(this.#needs.now(), (this.#at.get(talk) ?? 0) + 1);
    this.#at.set(talk, at);
    if (this.#atOnce.write(talk, { text, at })) this.#keepSoon(talk);
    else this.#keep(talk);
  }

  /** Brings the draft of a conversation that is opened, unless something is in its box. */
  async load(talk: string): Promise<void> {
    if (this.#loaded.has(talk)) return;
    this.#loaded.add(talk);
    const kept = parseDraft(await this.#needs.store.get(draftKey(talk)));
    const draft = laterOf(kept, this.#atOnce.of(talk));
    if (draft === null || this.#texts.has(talk)) return;
    this.#show(talk, draft);
    if (draft !== kept) this.#keepSoon(talk);
  }

  /** The conversation of the newest draft that a closed tab has left, which is now this tab's; null: there is none. */
  async takeLeft(isKept: (talk: string) => boolean): Promise<string | null> {
    const entries = await this.#needs.store.list(DRAFTS);
    const drafts = new Map(entries.map(([key, value]) => [key.slice(DRAFTS.length), parseDraft(value)]));
    for (const talk of this.#atOnce.talks) drafts.set(talk, laterOf(drafts.get(talk) ?? null, this.#atOnce.of(talk)));
    const left = [...drafts].flatMap(([talk, draft]) => (draft === null || draft.text === '' ? [] : [{ talk, draft }]));
    for (const { talk, draft } of left.toSorted((a, b) => b.draft.at - a.draft.at)) {
      if (isKept(talk) || (await this.#claim(talk)) === null) continue;
      this.#show(talk, draft);
      this.#keepSoon(talk);
      return talk;
    }
    return null;
  }

  /** The words in the box go out: they stay where they are kept until the question is, in the same change as the record goes. */
  send(talk: string, ask: (text: string) => void, isKept: () => Promise<void>): void {
    const [text, at] = [this.of(talk), this.#at.get(talk) ?? 0];
    this.#empty(talk);
    ask(text);
    isKept()
      .then(() => this.#atOnce.settle(talk, { at }))
      .catch(this.#needs.failed);
  }

  /** Its conversation is deleted: the record goes in the same change, and comes back with it. */
  forget(talk: string): void {
    this.#empty(talk);
    this.#loaded.delete(talk);
    this.#atOnce.forget(talk);
  }

  /** All conversations are deleted, and the records go with them. */
  clear(): void {
    for (const talk of new Set([...this.#texts.keys(), ...this.#atOnce.talks])) {
      this.#empty(talk);
      this.#atOnce.forget(talk);
    }
  }

  /** Keeps what is not kept yet: that of all, as the page may be closed, or of a conversation that is about to be deleted. */
  flush(talks: Iterable<string> = this.#timers.keys()): void {
    for (const talk of talks) if (this.#timers.has(talk)) this.#keep(talk);
  }

  #keepSoon(talk: string): void {
    this.#timers.get(talk)?.();
    this.#timers.set(
      talk,
      this.#needs.clock.after(KEEP_AFTER_MS, () => this.#keep(talk)),
    );
  }

  #keep(talk: string): void {
    this.#stopTimer(talk);
    const draft = { text: this.of(talk), at: this.#at.get(talk) ?? 0 };
    // What was read, and not typed here, has meanwhile been kept or sent by the tab that it was typed in.
    if (this.#kept.get(talk) === draft.text && this.#atOnce.of(talk) === null) return;
    this.#kept.set(talk, draft.text);
    this.#write(talk, draft).catch(this.#needs.failed);
  }

  /** The later draft stays, whichever tab comes first. */
  async #write(talk: string, draft: Draft): Promise<void> {
    const { store } = this.#needs;
    const key = draftKey(talk);
    await store.change({ keys: [key] }, (present) => {
      const there = parseDraft(present.get(key));
      if (there !== null && there.at > draft.at) return [];
      return [[key, draft.text === '' ? undefined : draft]];
    });
    if (store.lasting) this.#atOnce.settle(talk, draft);
  }

  #stopTimer(talk: string): void {
    this.#timers.get(talk)?.();
    this.#timers.delete(talk);
  }

  #empty(talk: string): void {
    this.#stopTimer(talk);
    this.#texts.delete(talk);
    this.#kept.delete(talk);
    void this.#mine.get(talk)?.then((release) => release?.());
    this.#mine.delete(talk);
  }

  #show(talk: string, { text, at }: Draft): void {
    this.#loaded.add(talk);
    this.#at.set(talk, at);
    this.#kept.set(talk, text);
    this.#texts.set(talk, text);
  }

  /** Another tab has written: a box that nobody has touched since follows. */
  #take([key, value]: Entry): void {
    const talk = key.slice(DRAFTS.length);
    if (!this.#loaded.has(talk) || this.of(talk) !== (this.#kept.get(talk) ?? '')) return;
    this.#stopTimer(talk);
    this.#show(talk, parseDraft(value) ?? { text: '', at: this.#at.get(talk) ?? 0 });
  }

  #claim(talk: string): Promise<Release | null> {
    let claim = this.#mine.get(talk);
    if (claim === undefined) {
      claim = this.#needs.locks.tryHold(`draft/${talk}`).catch((error: unknown) => {
        this.#needs.failed(error);
        return null;
      });
      this.#mine.set(talk, claim);
    }
    return claim;
  }
}
