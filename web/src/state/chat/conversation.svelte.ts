/** One conversation while the page is open: its turns, and the answer that is being written. */
import { shortened } from '../graphemes.ts';
import { newTaskId } from '@llmesh/core/base/ids';
import { AnswerRun, change, keepWaiting, type AnswerRunNeeds } from './answer-run.ts';
import { absentFor, missingFor } from './obstacles.ts';
import { questionFor } from './question.ts';
import type { Scope } from '../scope.ts';
import type { Settings } from '../settings.svelte.ts';
import {
  canGoOn,
  isRunning,
  newAnswer,
  type Answer,
  type AskedModel,
  type ShownTurn,
  type WaitingFor,
} from './turn.ts';

export interface ConversationNeeds extends AnswerRunNeeds {
  settings: Settings;
  /** Called when something worth keeping changed: often, while an answer is written. */
  changed: (conversation: Conversation) => void;
}

export interface KeptConversation {
  turns: ShownTurn[];
  scope: Scope;
}

interface Begin {
  /** Ask without the turns before its question. */
  alone?: boolean;
  /** Continue after what there is of it. */
  goOn?: boolean;
  /** Left out: the one of before. */
  scope?: Scope;
  /** Left out: the one of before. null: the one that is chosen for this scope now. */
  model?: AskedModel | null;
}

export class Conversation {
  readonly id: string;
  readonly #needs: ConversationNeeds;
  #turns = $state<ShownTurn[]>([]);
  #run = $state.raw<AnswerRun | null>(null);
  /** null: the scope of the settings, until something is asked or chosen. */
  #scope = $state<Scope | null>(null);

  constructor(needs: ConversationNeeds, id: string = newTaskId(), kept: KeptConversation | null = null) {
    this.#needs = needs;
    this.id = id;
    this.#turns = kept?.turns ?? [];
    this.#scope = kept?.scope ?? null;
  }

  /** Who may run the next question. Earlier answers keep their own scope. */
  get scope(): Scope {
    return this.#scope ?? this.#needs.settings.scope;
  }

  set scope(scope: Scope) {
    this.#scope = scope;
    this.prepare();
    if (this.#turns.length > 0) this.#needs.changed(this);
  }

  /** Finds out what the choice depends on. */
  prepare(): void {
    if (this.scope === 'device') this.#findOutWhatRunsHere();
    if (this.scope === 'trusted') this.#needs.lending.look();
  }

  get turns(): readonly ShownTurn[] {
    return this.#turns;
  }

  get title(): string {
    const first = this.#turns.find((turn) => turn.role === 'user');
    return first === undefined ? 'New conversation' : titleOf(first.text);
  }

  get running(): Answer | null {
    return this.#run?.answer ?? null;
  }

  /** Is a question kept until somebody comes? */
  get waiting(): boolean {
    return this.#answers().some((answer) => answer.state === 'waiting');
  }

  /** Asks `text` of the chosen model, now or as soon as it can be asked. Not while an answer is being written. */
  send(text: string): void {
    if (this.#run !== null || text.trim() === '') return;
    this.#turns.push({ role: 'user', id: newTaskId(), text });
    // From here on this conversation does not follow the settings.
    this.#scope = this.scope;
    this.#turns.push(newAnswer(newTaskId(), this.#scope, this.#needs.models.chosenFor(this.#scope)));
    this.#begin(this.#turns.at(-1) as Answer);
  }

  stop(): void {
    this.#run?.stop();
  }

  /** Asks the question of this answer again, of the same model and scope. `alone`: without the turns before it. */
  again(id: string, alone = false): void {
    const answer = this.#answer(id);
    if (answer === null || this.#run !== null) return;
    this.#begin(answer, { alone });
  }

  /** Continues this answer, after exactly its last word. */
  goOn(id: string): void {
    const answer = this.#answer(id);
    if (answer === null || this.#run !== null || !canGoOn(answer)) return;
    this.#begin(answer, { goOn: true });
  }

  /** What must come before this can be asked now. */
  missing(id: string): WaitingFor | null {
    const answer = this.#answer(id);
    return answer === null ? null : missingFor(answer, this.#needs);
  }

  /** Keeps the question, and what there is of its answer, until it can be asked or continued. */
  waitFor(id: string): void {
    const answer = this.#answer(id);
    if (answer === null || isRunning(answer)) return;
    change(answer, { type: 'held', why: missingFor(answer, this.#needs) ?? 'busy', before: answer });
    this.#needs.announce('Your message is saved.');
    this.#needs.changed(this);
    this.wake();
  }

  /** Stops waiting. */
  stopWaiting(id: string): void {
    const answer = this.#answer(id);
    if (answer?.state !== 'waiting') return;
    change(answer, { type: 'stopped', ids: answer.ids, before: answer });
    this.#needs.changed(this);
  }

  /** Asks another model instead, leaving a line or a wait for this one. */
  async use(id: string, model: AskedModel): Promise<void> {
    const answer = await this.#free(id);
    if (answer === null) return;
    this.#begin(answer, { model });
  }

  /** Asks within another scope instead: the person says so, for this question only. */
  async useScope(id: string, scope: Scope): Promise<void> {
    const answer = await this.#free(id);
    if (answer === null) return;
    // A model of the mesh need not run here, and the other way round.
    const stays = scope !== 'device' && answer.scope !== 'device';
    this.#begin(answer, { scope, model: stays ? answer.model : null });
  }

  /** Takes a question with its answer out of the conversation and returns its text, to be edited. */
  takeBack(answerId: string): string | null {
    const at = this.#turns.findIndex((turn) => turn.id === answerId);
    const question = this.#turns[at - 1];
    if (this.#run?.answer.id === answerId || question?.role !== 'user') return null;
    this.#turns.splice(at - 1, 2);
    this.#needs.changed(this);
    return question.text;
  }

  /** Something changed, in the mesh or here: is there a kept question that can be asked now? */
  wake(): void {
    if (this.#run !== null) return;
    for (const answer of this.#answers()) {
      if (answer.state !== 'waiting') continue;
      const why = missingFor(answer, this.#needs) ?? absentFor(answer, this.#needs);
      if (why === null) return this.#begin(answer, { alone: answer.alone, goOn: answer.text !== '' });
      if (why !== answer.why) change(answer, { type: 'held', why, before: answer });
    }
  }

  /** Plain data, to be kept. */
  snapshot(): ShownTurn[] {
    const turns = $state.snapshot(this.#turns);
    const run = this.#run;
    return run === null ? turns : turns.map((turn) => (turn.id === run.answer.id ? { ...turn, ids: run.ids } : turn));
  }

  #ended: Promise<void> = Promise.resolve();

  #begin(
    answer: Answer,
    { alone = false, goOn = false, scope = answer.scope, model = answer.model }: Begin = {},
  ): void {
    const before = $state.snapshot(answer);
    const chosen = model ?? this.#needs.models.chosenFor(scope);
    change(answer, { type: 'asked', scope, model: chosen, alone, goOn });
    const why = missingFor(answer, this.#needs);
    if (why === null) this.#ended = this.#ask(new AnswerRun(answer, before, this.#needs));
    else keepWaiting(answer, before, why, this.#needs);
    this.#needs.changed(this);
  }

  async #ask(run: AnswerRun): Promise<void> {
    const { changed } = this.#needs;
    this.#run = run;
    await run.ask(questionFor(this.#turns, run.answer, this.#needs), () => changed(this));
    this.#run = null;
    changed(this);
    // A question just refused waits for the next change of the mesh, not for the change it made itself.
    if (run.answer.state !== 'waiting') this.wake();
  }

  /** Never rejects: a conversation that needs to know is woken when it is known. */
  #findOutWhatRunsHere(): void {
    void this.#needs.local.findOut(new AbortController().signal);
  }

  /** The answer, once nothing else runs in this conversation: what runs for this answer is stopped. */
  async #free(id: string): Promise<Answer | null> {
    if (this.#run?.answer.id === id) {
      this.stop();
      await this.#ended;
    }
    return this.#run === null ? this.#answer(id) : null;
  }

  #answers(): Answer[] {
    return this.#turns.filter((turn) => turn.role === 'assistant');
  }

  #answer(id: string): Answer | null {
    return this.#answers().find((answer) => answer.id === id) ?? null;
  }
}

function titleOf(question: string): string {
  const line = question.trim().split('\n', 1)[0] ?? '';
  return shortened(line, 60);
}
