/** What is being written into the box, one draft for each conversation, shared by the tabs. */
import { SvelteMap } from 'svelte/reactivity';
import type { Clock } from '@llmesh/core/base/clock';
import * as v from 'valibot';
import { draftKey, DRAFTS } from '../kept-conversation.ts';
import type { Locks, Release } from '../../locks.ts';
import type { Entry, Store } from '../../store.ts';

const KEEP_AFTER_MS = 400;

const DraftSchema = v.object({
  text: v.string(),
  /** Milliseconds since 1970. */
  at: v.number(),
});

export interface DraftsNeeds {
  store: Store;
  locks: Locks;
  clock: Clock;
  now: () => number;
  /** A draft that could not be kept is still in the box: no need to tell the person. */
  failed: (error: unknown) => void;
}

export class Drafts {
  readonly #needs: DraftsNeeds;
  /** In the boxes of this tab. */
  readonly #texts = new SvelteMap<string, string>();
  /** As this tab last kept or read them. */
  readonly #kept = new Map<string, string>();
  /** Those whose record was looked at: from then on they follow what other tabs keep. */
  readonly #loaded = new Set<string>();
  readonly #timers = new Map<string, () => void>();
  /** Boxes of conversations that are not kept yet: no other tab takes their drafts for ones that were left. */
  readonly #mine = new Map<string, Promise<Release | null>>();

  constructor(needs: DraftsNeeds) {
    this.#needs = needs;
    needs.store.follow(DRAFTS, (entries) => entries.forEach((entry) => this.#take(entry)));
  }

  of(talk: string): string {
    return this.#texts.get(talk) ?? '';
  }

  /** `unsent`: nothing was asked in this conversation yet. */
  type(talk: string, text: string, unsent: boolean): void {
    this.#texts.set(talk, text);
    if (unsent && text !== '') this.#claim(talk);
    this.#timers.get(talk)?.();
    this.#timers.set(
      talk,
      this.#needs.clock.after(KEEP_AFTER_MS, () => this.#keep(talk)),
    );
  }

  /** Brings the draft of a conversation that is opened, unless something is in its box. */
  async load(talk: string): Promise<void> {
    if (this.#loaded.has(talk)) return;
    this.#loaded.add(talk);
    const draft = parseDraft(await this.#needs.store.get(draftKey(talk)));
    if (draft !== null && !this.#texts.has(talk)) this.#show(talk, draft.text);
  }

  /** The conversation of the newest draft that a closed tab has left, which is now this tab's; null: there is none. */
  async takeLeft(isKept: (talk: string) => boolean): Promise<string | null> {
    const found = await this.#needs.store.list(DRAFTS);
    const drafts = found.map(([key, value]) => ({ talk: key.slice(DRAFTS.length), draft: parseDraft(value) }));
    for (const { talk, draft } of drafts.toSorted((a, b) => (b.draft?.at ?? 0) - (a.draft?.at ?? 0))) {
      if (draft === null || isKept(talk) || (await this.#claim(talk)) === null) continue;
      this.#show(talk, draft.text);
      return talk;
    }
    return null;
  }

  /** It was sent, or its conversation deleted: the record goes in the same change. */
  forget(talk: string): void {
    this.#timers.get(talk)?.();
    this.#timers.delete(talk);
    this.#texts.delete(talk);
    this.#kept.delete(talk);
    void this.#mine.get(talk)?.then((release) => release?.());
    this.#mine.delete(talk);
  }

  /** Keeps what is not kept yet, as the page may be closed. */
  flush(): void {
    for (const talk of this.#timers.keys()) this.#keep(talk);
  }

  #keep(talk: string): void {
    this.#timers.get(talk)?.();
    this.#timers.delete(talk);
    const text = this.of(talk);
    this.#kept.set(talk, text);
    const { store, now, failed } = this.#needs;
    store.set([[draftKey(talk), text === '' ? undefined : { text, at: now() }]]).catch(failed);
  }

  #show(talk: string, text: string): void {
    this.#loaded.add(talk);
    this.#kept.set(talk, text);
    this.#texts.set(talk, text);
  }

  /** Another tab has written: a box that nobody has touched since follows. */
  #take([key, value]: Entry): void {
    const talk = key.slice(DRAFTS.length);
    if (!this.#loaded.has(talk) || this.of(talk) !== (this.#kept.get(talk) ?? '')) return;
    this.#show(talk, parseDraft(value)?.text ?? '');
  }

  #claim(talk: string): Promise<Release | null> {
    let claim = this.#mine.get(talk);
    if (claim === undefined) {
      claim = this.#needs.locks.tryHold(`draft/${talk}`);
      this.#mine.set(talk, claim);
    }
    return claim;
  }
}

function parseDraft(value: unknown): v.InferOutput<typeof DraftSchema> | null {
  const result = v.safeParse(DraftSchema, value);
  return result.success ? result.output : null;
}
