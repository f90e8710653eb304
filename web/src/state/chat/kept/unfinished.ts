/**
 * The answers that this tab is having written, noted where a reload or a crash leaves them: the next page of this tab goes on with
 * them. Their last words are noted as well, as the store may not get to keep what is written when a page is closed.
 */
import * as v from 'valibot';
import { parseTurn } from '../kept-conversation.ts';
import type { KeptByKey } from '../../kept/kept-at-once.ts';
import type { Answer } from '../turn.ts';

/** Longer answers lose their last second instead. */
const LONGEST_CHARS = 262_144;
const NOTES = 'unfinished';
const tailOf = (id: string) => `tail/${id}`;

const NoteSchema = v.object({
  talk: v.string(),
  id: v.string(),
  /** How much of it there was when a reload last went on with it; null: none did. */
  resumedAt: v.nullable(v.number()),
});
export type Unfinished = v.InferOutput<typeof NoteSchema>;

export interface UnfinishedNeeds {
  /** Of this tab: it outlives a reload, and no other tab has it. */
  tab: KeptByKey;
  /** Of all tabs. */
  shared: KeptByKey;
}

export class UnfinishedAnswers {
  readonly #needs: UnfinishedNeeds;
  #notes: Unfinished[];

  constructor(needs: UnfinishedNeeds) {
    this.#needs = needs;
    const kept = v.safeParse(v.array(NoteSchema), needs.tab.read(NOTES));
    this.#notes = kept.success ? kept.output : [];
  }

  /** Those that the page before this one, in this tab, has left. */
  get all(): readonly Unfinished[] {
    return this.#notes;
  }

  begin(talk: string, id: string): void {
    if (!this.#notes.some((note) => note.id === id)) this.#keep([...this.#notes, { talk, id, resumedAt: null }]);
  }

  resume(id: string, tokens: number): void {
    this.#keep(this.#notes.map((note) => (note.id === id ? { ...note, resumedAt: tokens } : note)));
  }

  end(id: string): void {
    this.#keep(this.#notes.filter((note) => note.id !== id));
    this.#needs.shared.write(tailOf(id), null);
  }

  /** The page is being closed. */
  writeTail(answer: Answer): void {
    // What auditors found of it is kept with it already, and is no JSON.
    if (answer.text.length <= LONGEST_CHARS) this.#needs.shared.write(tailOf(answer.id), { ...answer, check: null });
  }

  /** The answer with its last words, where they came after it was kept. */
  withTail(answer: Answer): Answer {
    const tail = parseTurn(this.#needs.shared.read(tailOf(answer.id)));
    return tail?.role === 'assistant' && tail.text.length > answer.text.length && tail.text.startsWith(answer.text)
      ? { ...tail, state: answer.state, check: answer.check }
      : answer;
  }

  #keep(notes: Unfinished[]): void {
    this.#notes = notes;
    this.#needs.tab.write(NOTES, notes);
  }
}
