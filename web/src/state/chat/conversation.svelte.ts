/** One conversation while the page is open: its turns, and the answer that this tab has written. */
import { newTaskId } from '@llmesh/core/base/ids';
import { next } from './answer-change.ts';
import { AnswerDesk, type AnswerDeskNeeds } from './answer-desk.svelte.ts';
import { AnswerWatch } from './kept/answer-watch.ts';
import { KeptTurns } from './kept/kept-turns.ts';
import { EarlierTurns } from './kept/earlier-turns.svelte.ts';
import type { ReadTurns } from './kept/turn-reader.ts';
import type { Unfinished } from './kept/unfinished.ts';
import type { KeptTurn, Talk } from './kept-conversation.ts';
import type { Locks } from '../locks.ts';
import { missingFor } from './obstacles.ts';
import type { Asking } from './asking/asking.ts';
import type { Scope } from '../scope.ts';
import { titleOf } from './title.ts';
import type { EditingOf, TurnEditing } from './branches/turn-editing.svelte.ts';
import { plain, TurnList } from './turn-list.svelte.ts';
import {
  canGoOn,
  isRunning,
  newAnswer,
  type Answer,
  type AskedModel,
  type Question,
  type ShownTurn,
  type WaitingFor,
} from './turn.ts';

export interface ConversationNeeds extends AnswerDeskNeeds {
  locks: Locks;
  failed: (error: unknown) => void;
  /** Another tab deleted the conversation before this was asked in it. */
  gone: (conversation: Conversation, question: Question) => void;
}

export interface KeptConversation
  extends Pick<Talk, 'title' | 'named' | 'scope' | 'models' | 'tip' | 'asking'>, ReadTurns {}

export class Conversation {
  readonly id: string;
  readonly #needs: ConversationNeeds;
  readonly #list: TurnList;
  readonly #kept: KeptTurns;
  readonly #watch: AnswerWatch;
  readonly #desk: AnswerDesk;
  readonly #earlier: EarlierTurns;
  #editing = $state.raw<TurnEditing | null>(null);
  /** What it was called when it was read. */
  readonly #keptTitle: string;
  /** What its person calls it; null: it is called after its first question. */
  #name = $state<string | null>(null);
  /** null: the scope of the settings, until something is asked or chosen. */
  #scope = $state<Scope | null>(null);
  /** What was chosen here; within the other scopes it is what is chosen everywhere. */
  #models = $state.raw<Talk['models']>({});

  #asking = $state.raw<Asking | null>(null);

  constructor(needs: ConversationNeeds, id: string = newTaskId(), kept: KeptConversation | null = null) {
    this.#needs = needs;
    this.id = id;
    this.#list = new TurnList(kept?.turns, kept?.tip, kept === null || kept.earlier === null);
    this.#scope = kept?.scope ?? null;
    this.#models = kept?.models ?? {};
    this.#asking = kept?.asking ?? null;
    this.#keptTitle = kept?.title ?? '';
    this.#name = kept?.named === true ? kept.title : null;
    this.#earlier = new EarlierTurns(kept?.earlier ?? null, (turns) => this.#takeEarlier(turns), needs);
    const about = () => ({ title: this.title, scope: this.scope, models: this.#models, asking: this.#asking });
    this.#kept = new KeptTurns({ id, list: this.#list, about, isKept: kept !== null }, needs);
    const modelFor = (scope: Scope) => this.#modelFor(scope);
    const gone = (question: Question) => needs.gone(this, question);
    const watch = () => this.#watch.look();
    const whole = () => this.#earlier.read;
    const asking = () => this.#asking;
    this.#desk = new AnswerDesk(
      { id, list: this.#list, kept: this.#kept, modelFor, asking, gone, watch, whole },
      needs,
    );
    const answers = () => this.#watched.map((answer) => ({ id: answer.id, order: this.#list.orderOf(answer.id) }));
    this.#watch = new AnswerWatch({ talk: id, answers, found: (answer, order) => this.take(order, answer) }, needs);
    this.#watch.look();
  }

  /** Who may run the next question. Earlier answers keep their own scope. */
  get scope(): Scope {
    return this.#scope ?? this.#needs.settings.scope;
  }

  set scope(scope: Scope) {
    this.#scope = scope;
    this.prepare();
    void this.#kept.choose();
  }

  /** The model that the next question goes to: the one of this conversation, whether or not somebody has it now; null: there is none to ask. */
  get model(): AskedModel | null {
    return this.#modelFor(this.scope);
  }

  /** How its next questions are asked; null: as all are. */
  get asking(): Asking | null {
    return this.#asking;
  }

  set asking(asking: Asking | null) {
    this.#asking = asking;
    void this.#kept.chooseAsking();
  }

  /** The model that was just chosen on the page is the one of this conversation from now on. */
  takeChoice(model = this.#needs.models.chosenFor(this.scope)): void {
    if (this.#list.known.length > 0) this.#pin(this.scope, model);
    void this.#kept.choose();
  }

  /** Finds out what the choice depends on. */
  prepare(): void {
    // Never rejects: a conversation that needs to know is woken when it is known.
    if (this.scope === 'device') void this.#needs.local.findOut(new AbortController().signal);
    if (this.scope === 'trusted') this.#needs.lending.look();
  }

  /** Those that stand still never change in place; one that is being written does. */
  get turns(): readonly ShownTurn[] {
    return this.#list.all;
  }

  /** Its earlier turns are not here yet. */
  get isReading(): boolean {
    return this.#earlier.isReading;
  }

  /** Resolves when all its turns are here. */
  whole(): Promise<void> {
    return this.#earlier.read;
  }

  get title(): string {
    return this.#name ?? (this.isReading ? this.#keptTitle : titleOf(this.#list.known));
  }

  /** The answer that is being written, by this tab or another. */
  get running(): Answer | null {
    return this.#desk.run?.answer ?? this.#list.live[0] ?? null;
  }

  /** Asks `text` of the chosen model, with these files, now or as soon as it can be asked. Not while an answer is being written. */
  send(text: string, files: Question['files'] = []): void {
    if (this.running !== null || text.trim() === '') return;
    // From here on this conversation does not follow the settings.
    const scope = this.scope;
    this.#scope = scope;
    this.#editing?.settle();
    const model = this.#modelFor(scope);
    this.#pin(scope, model);
    const question: Question = { role: 'user', id: newTaskId(), ...(files.length > 0 && { files }), text };
    this.#list.follow(question);
    this.#desk.begin(newAnswer(newTaskId(), scope, model));
  }

  /** What was done with single turns; null: nothing yet. */
  get edits(): TurnEditing | null {
    return this.#editing;
  }

  /** What can be done with single turns. `make`: the code for it is fetched when somebody first wants it. */
  edit(make: (of: EditingOf) => TurnEditing): TurnEditing {
    return (this.#editing ??= make({
      list: this.#list,
      kept: this.#kept,
      desk: this.#desk,
      scope: () => this.scope,
      modelFor: (scope) => this.#modelFor(scope),
      isRunning: () => this.running !== null,
    }));
  }

  /** The turns that stand in the place of this one in other branches, and itself, oldest first. */
  versionsOf(id: string): readonly string[] {
    return this.#list.versionsOf(id);
  }

  /** The turn that was asked last, in whichever branch. */
  get newest(): ShownTurn | null {
    return this.#list.known.at(-1) ?? null;
  }

  /** The line up to this turn. */
  lineTo(id: string): readonly ShownTurn[] {
    return this.#list.lineTo(id);
  }

  /** Shows the branch that begins with this turn, in all tabs. */
  showVersion(id: string): void {
    const tip = this.#list.leafOf(id);
    if (tip === null) return;
    this.#list.tip = tip;
    void this.#kept.showBranch(tip);
    const versions = this.versionsOf(id);
    this.#needs.announce(`Version ${versions.indexOf(id) + 1} of ${versions.length}.`);
  }

  /** Stops the answer, whichever tab has it written. */
  stop(): void {
    this.#desk.stop();
    for (const { id } of this.#watched) this.#needs.live.stop(this.id, id);
  }

  /** Another tab wants this answer to stop. */
  stopOwn(id: string): void {
    if (this.#desk.run?.answer.id === id) this.#desk.stop();
  }

  /** Asks the question of this answer again, of the same model and scope. */
  again(id: string): void {
    const answer = this.#list.answer(id);
    if (answer === null || this.running !== null) return;
    this.#desk.begin(answer);
  }

  /** Continues this answer, after exactly its last word. */
  goOn(id: string): void {
    const answer = this.#list.answer(id);
    if (answer === null || this.running !== null || !canGoOn(answer)) return;
    this.#desk.begin(answer, { goOn: true });
  }

  /** What must come before this can be asked now. */
  missing(id: string): WaitingFor | null {
    const answer = this.#list.answer(id);
    return answer === null ? null : missingFor(answer, this.#needs);
  }

  /** Keeps the question, and what there is of its answer, until it can be asked or continued. */
  waitFor(id: string): void {
    const answer = this.#list.answer(id);
    if (answer === null || isRunning(answer)) return;
    this.#desk.rest(next(answer, { type: 'held', why: missingFor(answer, this.#needs) ?? 'busy', before: answer }));
    this.#needs.announce('Your message is saved.');
  }

  /** Stops waiting. */
  stopWaiting(id: string): void {
    const answer = this.#list.answer(id);
    if (answer?.state !== 'waiting') return;
    this.#desk.rest(next(answer, { type: 'stopped', ids: answer.ids, before: answer }));
  }

  /** Asks another model instead, leaving a line or a wait for this one. */
  async use(id: string, model: AskedModel): Promise<void> {
    const answer = await this.#free(id);
    if (answer === null) return;
    this.#desk.begin(answer, { model });
  }

  /** Asks within another scope instead: the person says so, for this question only. */
  async useScope(id: string, scope: Scope): Promise<void> {
    const answer = await this.#free(id);
    if (answer === null) return;
    // A model of the mesh need not run here, and the other way round.
    const stays = scope !== 'device' && answer.scope !== 'device';
    this.#desk.begin(answer, { scope, model: stays ? answer.model : null });
  }

  /** Takes a question with its answer out of the conversation and returns it, to be edited. */
  takeBack(answerId: string): Question | null {
    const turns = this.#list.all;
    const at = turns.findIndex((turn) => turn.id === answerId);
    const [question, answer] = [turns[at - 1], turns[at]];
    if (question?.role !== 'user' || answer?.role !== 'assistant' || isRunning(answer)) return null;
    // Its other answers would be without a question.
    if (this.versionsOf(answerId).length > 1) return null;
    void this.#kept.takeOut([question.id, answerId]);
    return question;
  }

  /** Something changed, in the mesh or here: is there a kept question that can be asked now? */
  wake(): void {
    this.#desk.wake();
  }

  /** Goes on with an answer that the page before this one had written when this tab was reloaded. */
  async resume(left: Unfinished): Promise<void> {
    await this.#desk.resume(left);
  }

  /** A record has changed, by this tab or another; null: it is gone. */
  take(order: number, turn: ShownTurn | null): void {
    this.#earlier.skip(order);
    const wasRunning = this.running !== null;
    const before = this.#list.idAt(order);
    if (before === null && turn === null) return;
    // Another turn in its place means the same: the conversation was emptied meanwhile, and began anew.
    if (before !== null && before !== turn?.id) this.#lose(before);
    if (turn !== null && !this.#kept.isTaken(turn.id)) {
      if (this.#desk.run?.answer.id === turn.id) this.#list.place(turn.id, order, turn.after);
      else this.#list.put(turn, order);
    }
    this.#watch.look();
    // What another tab was refused is asked again when the mesh changes, not when the record does.
    const refused = turn?.role === 'assistant' && turn.state === 'waiting';
    if (wasRunning && this.running === null && !refused) this.wake();
  }

  /** All that is kept of it: this tab slept, and was not told what became of it. */
  takeAll(kept: readonly KeptTurn[]): void {
    this.#earlier.skipAll();
    this.#list.isWhole = true;
    const there = new Set(kept.map(({ turn }) => turn.id));
    const gone = this.#list.known.filter(({ id }) => this.#list.orderOf(id) !== null && !there.has(id));
    for (const { id } of gone) this.take(this.#list.orderOf(id)!, null);
    for (const { order, turn } of kept) this.take(order, turn);
  }

  /** The words of an answer that another tab has written, before they are kept. */
  hear(answer: Answer): void {
    const there = this.#watched.find(({ id }) => id === answer.id);
    // What is kept may be newer than what was told.
    if (there !== undefined && answer.text.length >= there.text.length) this.#list.put({ ...answer, ids: there.ids });
  }

  /** What another tab chose in it. */
  takeAbout({ scope, models, named, title, tip, asking }: Omit<KeptConversation, keyof ReadTurns>): void {
    this.#name = named ? title : null;
    this.#list.tip = tip;
    this.#asking = asking;
    this.#scope = scope;
    this.#models = models;
  }

  /** It is deleted: nothing of it is kept any more. */
  abandon(): void {
    this.#desk.abandon();
  }

  /** The page is being closed or put to sleep. */
  flush(): void {
    this.#desk.flush();
  }

  /** Resolves when nothing is at work for it here, and all is kept. */
  async settled(): Promise<void> {
    await this.#desk.ended;
    await this.#kept.settled();
  }

  /** Whether there is a record of it, as far as this tab knows. */
  get isKept(): boolean {
    return this.#kept.isKept;
  }

  /** Resolves when what was asked is kept. */
  async kept(): Promise<void> {
    await this.#kept.settled();
  }

  /** Plain data, to be kept. */
  snapshot(): ShownTurn[] {
    const { run } = this.#desk;
    return this.#list.known.map((turn) => (turn === run?.answer ? run.keptAs(plain(run.answer)) : plain(turn)));
  }

  #takeEarlier(turns: readonly KeptTurn[]): void {
    this.#list.putAll(turns.filter(({ turn }) => !this.#list.has(turn.id) && !this.#kept.isTaken(turn.id)));
    this.#watch.look();
    this.wake();
  }

  get #watched(): Answer[] {
    return this.#list.live.filter((answer) => answer !== this.#desk.run?.answer);
  }

  /** Another tab has taken it out. */
  #lose(id: string): void {
    if (this.#desk.run?.answer.id === id) this.abandon();
    this.#list.remove([id]);
  }

  #modelFor(scope: Scope): AskedModel | null {
    return this.#models[scope] ?? this.#needs.models.chosenFor(scope);
  }

  #pin(scope: Scope, model: AskedModel | null): void {
    if (model !== null) this.#models = { ...this.#models, [scope]: model };
  }

  /** The answer, once nothing else runs in this conversation: what runs for this answer is stopped. */
  async #free(id: string): Promise<Answer | null> {
    if (this.#desk.run?.answer.id === id) {
      this.stop();
      await this.#desk.ended;
    }
    return this.running === null ? this.#list.answer(id) : null;
  }
}
