/**
 * Drafts that the store does not have yet. It needs a moment, and a page that is being closed does not get one: until then they are
 * kept where writing takes effect at once.
 */
import type { KeptByKey } from '../../kept/kept-at-once.ts';
import { DRAFTS, draftKey } from '../kept-conversation.ts';
import { parseDraft, type Draft } from './draft.ts';

/** A browser has room for about five million there, for everything. */
const LONGEST_CHARS = 262_144;

export class DraftsAtOnce {
  readonly #shared: KeptByKey;

  /** `shared`: of all tabs, as a tab that is closed for good takes its own with it. */
  constructor(shared: KeptByKey) {
    this.#shared = shared;
  }

  /** False: it is too long, or the browser did not keep it. */
  write(talk: string, draft: Draft): boolean {
    return draft.text.length <= LONGEST_CHARS && this.#shared.write(draftKey(talk), draft);
  }

  /** null: there is none, or something else has written what stands there. */
  of(talk: string): Draft | null {
    const draft = parseDraft(this.#shared.read(draftKey(talk)));
    return draft !== null && draft.text.length <= LONGEST_CHARS ? draft : null;
  }

  get talks(): readonly string[] {
    return this.#shared.keys(DRAFTS).map((key) => key.slice(DRAFTS.length));
  }

  /** Forgets it, unless it is later than this one. */
  settle(talk: string, { at }: Pick<Draft, 'at'>): void {
    const there = this.of(talk);
    if (there === null || there.at <= at) this.forget(talk);
  }

  forget(talk: string): void {
    this.#shared.write(draftKey(talk), null);
  }
}
