/**
 * What a person does with single turns of a conversation: says a question in other words, has it answered once more, corrects an answer,
 * takes a turn out. Nothing is written over: each of these begins a branch, and what was there before stays beside it.
 */
import { newTaskId } from '@llmesh/core/base/ids';
import { SvelteMap } from 'svelte/reactivity';
import type { AnswerDesk } from '../answer-desk.svelte.ts';
import type { TakenOut } from '../kept/taken-out.ts';
import type { KeptTurns } from '../kept/kept-turns.ts';
import type { TurnList } from '../turn-list.svelte.ts';
import { isRunning, newAnswer, saidOf, type Answer, type AskedModel, type ShownTurn } from '../turn.ts';
import type { Scope } from '../../scope.ts';

/** The conversation that it works for. */
export interface EditingOf {
  list: TurnList;
  kept: KeptTurns;
  desk: AnswerDesk;
  scope: () => Scope;
  modelFor: (scope: Scope) => AskedModel | null;
  isRunning: () => boolean;
}

export class TurnEditing {
  readonly #of: EditingOf;
  /** What is being written in place of a turn, by its id. */
  readonly #drafts = new SvelteMap<string, string>();
  #taken = $state.raw<{ what: 'question' | 'answer'; out: Promise<TakenOut | null> } | null>(null);

  constructor(of: EditingOf) {
    this.#of = of;
  }

  /** What was taken out last and can be brought back. */
  get taken(): 'question' | 'answer' | null {
    return this.#taken?.what ?? null;
  }

  /** What is being written in place of this turn; null: nothing. */
  draftOf(id: string): string | null {
    return this.#drafts.get(id) ?? null;
  }

  draft(id: string, text: string): void {
    this.#drafts.set(id, text);
  }

  drop(id: string): void {
    this.#drafts.delete(id);
  }

  /** Puts what was written in place of this turn. */
  finish(turn: ShownTurn): void {
    const text = this.draftOf(turn.id) ?? '';
    const changed = text.trim() !== '' && text !== (turn.role === 'user' ? turn.text : saidOf(turn));
    if (changed && turn.role === 'user') this.resend(turn.id, text);
    else if (changed) this.correct(turn.id, text);
    this.drop(turn.id);
  }

  /** Asks this question in other words, in a branch beside the one before. Not while an answer is being written. */
  resend(questionId: string, text: string): void {
    const { list, scope, modelFor } = this.#of;
    const before = list.known.find(({ id }) => id === questionId);
    if (this.#of.isRunning() || text.trim() === '' || before?.role !== 'user') return;
    const question = { ...before, id: newTaskId(), after: list.parentOf(questionId), text };
    list.put(question);
    this.#ask({ ...newAnswer(newTaskId(), scope(), modelFor(scope())), after: question.id });
  }

  /** Has its question answered once more, beside this answer. `model`: left out: the same one. */
  regenerate(answerId: string, model?: AskedModel | null): void {
    const { list, modelFor } = this.#of;
    const answer = list.answer(answerId);
    if (answer === null || this.#of.isRunning()) return;
    const asked = model ?? answer.model ?? modelFor(answer.scope);
    this.#ask({ ...newAnswer(newTaskId(), answer.scope, asked), after: list.parentOf(answerId) });
  }

  /** Has a question answered that stands without an answer. */
  answer(questionId: string): void {
    const { list, scope, modelFor } = this.#of;
    if (this.#of.isRunning() || !list.has(questionId)) return;
    this.#ask({ ...newAnswer(newTaskId(), scope(), modelFor(scope())), after: questionId });
  }

  /** Puts these words in place of the answer: from here on the model takes them for its own. */
  correct(answerId: string, text: string): void {
    const { list, desk } = this.#of;
    const answer = list.answer(answerId);
    if (answer === null || isRunning(answer) || text.trim() === '') return;
    const { scope, model } = answer;
    const after = list.parentOf(answerId);
    const corrected = { ...newAnswer(newTaskId(), scope, model), after, state: 'done', edited: true, text } as const;
    this.#show(corrected);
    desk.rest(corrected);
  }

  /** Takes a turn out: an answer alone, a question with all its answers. What followed stays. */
  async takeOut(id: string): Promise<void> {
    const { list, kept } = this.#of;
    const turn = list.known.find((one) => one.id === id);
    if (turn === undefined) return;
    const answers = turn.role === 'user' ? list.childrenOf(id).filter((child) => list.answer(child) !== null) : [];
    const ids = [id, ...answers];
    if (ids.some((one) => runs(list.answer(one)))) return;
    const out = kept.takeOut(ids);
    this.#taken = { what: turn.role === 'user' ? 'question' : 'answer', out };
    await out;
  }

  /** Brings back what was taken out last. */
  async undo(): Promise<void> {
    const taken = this.#taken;
    this.#taken = null;
    const out = await taken?.out;
    if (out !== undefined && out !== null) await this.#of.kept.putBack(out);
  }

  /** Makes the last deletion final. */
  settle(): void {
    this.#taken = null;
  }

  #ask(answer: Answer): void {
    this.settle();
    this.#show(answer);
    this.#of.desk.begin(answer);
  }

  /** Shows the branch that begins with this. */
  #show(turn: ShownTurn): void {
    const { list } = this.#of;
    list.put(turn);
    list.tip = turn.id;
  }
}

function runs(answer: Answer | null): boolean {
  return answer !== null && isRunning(answer);
}
