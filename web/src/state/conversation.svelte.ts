/** One conversation while the page is open: its turns, and the answer that is being written. */
import type { Clock } from '@llmesh/core/clock';
import { asMeshError, MeshError } from '@llmesh/core/errors';
import { newTaskId } from '@llmesh/core/ids';
import { peerName } from '@llmesh/core/names';
import { failureOf, takeEvent, writerOf } from './answer-progress.ts';
import type { Ask } from './ask.ts';
import { contextOf } from './context.ts';
import { absentFor, CANNOT_ASK, missingFor, WAITS, type ObstacleNeeds } from './obstacles.ts';
import type { Scope } from './scope.ts';
import { MAX_TOKENS, type Settings } from './settings.svelte.ts';
import { isRunning, newAnswer, type Answer, type AskedModel, type ShownTurn, type WaitingFor } from './turn.ts';

export interface ConversationNeeds extends ObstacleNeeds {
  /** Asks volunteers. */
  ask: Ask;
  /** Asks this device, and nobody else. */
  askHere: Ask;
  settings: Settings;
  clock: Clock;
  announce: (text: string) => void;
  /** Something worth keeping changed. Called often while an answer is written. */
  changed: (conversation: Conversation) => void;
}

export interface KeptConversation {
  turns: ShownTurn[];
  scope: Scope;
}

export class Conversation {
  readonly id: string;
  readonly #needs: ConversationNeeds;
  #turns = $state<ShownTurn[]>([]);
  #run = $state.raw<{ answer: Answer; abort: AbortController } | null>(null);
  /** null: as the settings say, until something was asked or chosen. */
  #scope = $state<Scope | null>(null);

  constructor(needs: ConversationNeeds, id: string = newTaskId(), kept: KeptConversation | null = null) {
    this.#needs = needs;
    this.id = id;
    this.#turns = kept?.turns ?? [];
    this.#scope = kept?.scope ?? null;
  }

  /** Who may run the next question. What was asked before keeps what was chosen then. */
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
    this.#run?.abort.abort();
  }

  /** Asks the question of this answer anew, of the same model and ring. `alone`: without the turns before it. */
  again(id: string, alone = false): void {
    const answer = this.#answer(id);
    if (answer === null || this.#run !== null) return;
    this.#begin(answer, alone);
  }

  /** Asks another model instead, leaving a line or a wait for this one. */
  async use(id: string, model: AskedModel): Promise<void> {
    const answer = await this.#free(id);
    if (answer === null) return;
    answer.model = model;
    this.#begin(answer);
  }

  /** Asks within another ring instead: the person says so, for this question only. */
  async useScope(id: string, scope: Scope): Promise<void> {
    const answer = await this.#free(id);
    if (answer === null) return;
    // A model of the mesh need not run here, and the other way round.
    const stays = scope !== 'device' && answer.scope !== 'device';
    answer.scope = scope;
    answer.model = stays ? answer.model : this.#needs.models.chosenFor(scope);
    this.#begin(answer);
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
      if (why === null) return this.#begin(answer);
      if (why !== answer.why) answer.why = why;
    }
  }

  /** Plain data, to be kept. */
  snapshot(): ShownTurn[] {
    return $state.snapshot(this.#turns);
  }

  #ended: Promise<void> = Promise.resolve();

  #begin(answer: Answer, alone = false): void {
    const before = $state.snapshot(answer);
    const why = missingFor(answer, this.#needs);
    const { id, scope } = answer;
    Object.assign(answer, newAnswer(id, scope, answer.model ?? this.#needs.models.chosenFor(scope)));
    if (why === null) this.#ended = this.#ask(answer, before, alone);
    else this.#wait(answer, before, why);
    this.#needs.changed(this);
  }

  async #ask(answer: Answer, before: Answer, alone: boolean): Promise<void> {
    const { ask, askHere, settings, trusted, clock, announce, changed } = this.#needs;
    const abort = new AbortController();
    this.#run = { answer, abort };
    const model = answer.model!.id;
    let firstAt: number | null = null;
    try {
      const turns = contextOf(this.#turns, answer.id, alone);
      const only = answer.scope === 'trusted' ? trusted.peers : null;
      const request = { model, turns, sampling: settings.samplingFor(model), maxTokens: MAX_TOKENS, only };
      const events = answer.scope === 'device' ? askHere(request, abort.signal) : ask(request, abort.signal);
      for await (const event of events) {
        if (event.type === 'piece') firstAt ??= clock.now();
        takeEvent(answer, event, firstAt === null ? 0 : clock.now() - firstAt);
        if (event.type === 'provider') announce(`${peerName(event.candidate.peerId)} was asked.`);
        if (event.type === 'interrupted') announce(`${writerOf(answer)} left. Looking for somebody to go on.`);
        if (event.type === 'resumed') announce(`${writerOf(answer)} goes on.`);
        changed(this);
      }
      if (isRunning(answer)) throw new MeshError('provider_lost', 'The answer broke off.');
      announce(`Answer from ${writerOf(answer)}, complete.`);
    } catch (thrown) {
      this.#fail(answer, before, asMeshError(thrown, 'engine_failed', 'Something went wrong on this page. Try again?'));
    } finally {
      this.#run = null;
      changed(this);
    }
    // What was just refused waits for the next change of the mesh, not for itself.
    if (answer.state !== 'waiting') this.wake();
  }

  #fail(answer: Answer, before: Answer, error: MeshError): void {
    const { connection, lending, announce } = this.#needs;
    const why = answer.scope === 'device' ? undefined : WAITS[error.code];
    if (error.code === 'cancelled') {
      if (answer.text === '' && before.text !== '') Object.assign(answer, before);
      else answer.state = 'stopped';
      announce('Stopped.');
    } else if (why !== undefined && answer.text === '') {
      // Offline, the mesh is not to blame.
      const nobody = why === 'model' && answer.scope === 'trusted' ? 'trusted' : why;
      this.#wait(answer, before, connection.status === 'offline' ? 'network' : nobody);
      // What was believed of the trusted was wrong.
      if (nobody === 'trusted') lending.look();
    } else {
      answer.error = { code: error.code, message: failureOf(answer, error) };
      answer.state = 'failed';
      if (answer.text === '' && before.text !== '')
        Object.assign(answer, before, { state: 'failed', error: answer.error });
      announce(answer.error.message);
    }
  }

  /** Keeps the question until it can be asked; or, trying again, what there was of an answer. */
  #wait(answer: Answer, before: Answer, why: WaitingFor): void {
    if (before.text === '') {
      answer.state = 'waiting';
      answer.why = why;
      if (why === 'device') this.#findOutWhatRunsHere();
      if (before.state !== 'waiting') this.#needs.announce('Your message is kept.');
    } else {
      const { code, says } = CANNOT_ASK[why];
      const error = { code, message: `${says} What you have is kept.` };
      Object.assign(answer, before, { state: 'failed', error });
      this.#needs.announce(error.message);
    }
  }

  /** Never rejects: a conversation that needs to know is woken when it is known. */
  #findOutWhatRunsHere(): void {
    void this.#needs.local.findOut(new AbortController().signal);
  }

  /** The answer, when nobody is at work any more in this conversation: what runs for it is stopped. */
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
  return line.length <= 60 ? line : `${line.slice(0, 59).trimEnd()}…`;
}
