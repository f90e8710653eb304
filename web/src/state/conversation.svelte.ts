/** One conversation while the page is open: its turns, and the answer that is being written. */
import type { Clock } from '@llmesh/core/clock';
import { asMeshError, MeshError, type ErrorCode } from '@llmesh/core/errors';
import { newTaskId } from '@llmesh/core/ids';
import { peerName } from '@llmesh/core/names';
import type { Offer } from '@llmesh/core/protocol';
import { failureOf, takeEvent, writerOf } from './answer-progress.ts';
import type { Ask } from './ask.ts';
import type { Connection } from './connection.svelte.ts';
import { contextOf } from './context.ts';
import { asked, type Offers } from './offers.svelte.ts';
import { MAX_TOKENS, type Settings } from './settings.svelte.ts';
import { isRunning, newAnswer, type Answer, type ShownTurn, type WaitingFor } from './turn.ts';

export interface ConversationNeeds {
  ask: Ask;
  offers: Offers;
  connection: Connection;
  settings: Settings;
  clock: Clock;
  announce: (text: string) => void;
  /** Something worth keeping changed. Called often while an answer is written. */
  changed: (conversation: Conversation) => void;
}

export class Conversation {
  readonly id: string;
  readonly #needs: ConversationNeeds;
  #turns = $state<ShownTurn[]>([]);
  #run = $state.raw<{ answer: Answer; abort: AbortController } | null>(null);

  constructor(needs: ConversationNeeds, id: string = newTaskId(), turns: ShownTurn[] = []) {
    this.#needs = needs;
    this.id = id;
    this.#turns = turns;
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
    this.#turns.push(newAnswer(newTaskId(), this.#needs.offers.chosenModel));
    this.#begin(this.#turns.at(-1) as Answer);
  }

  stop(): void {
    this.#run?.abort.abort();
  }

  /** Asks the question of this answer anew, of the same model. `alone`: without the turns before it. */
  again(id: string, alone = false): void {
    const answer = this.#answer(id);
    if (answer === null || this.#run !== null) return;
    this.#begin(answer, alone);
  }

  /** Asks another model instead, leaving a line or a wait for this one. */
  async use(id: string, offer: Offer): Promise<void> {
    const answer = this.#answer(id);
    if (answer === null) return;
    if (this.#run?.answer.id === id) {
      this.stop();
      await this.#ended;
    }
    if (this.#run !== null) return;
    answer.model = asked(offer);
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

  /** The mesh changed: is there a kept question that can be asked now? */
  wake(): void {
    if (this.#run !== null) return;
    const next = this.#answers().find((answer) => answer.state === 'waiting');
    if (next === undefined) return;
    const why = this.#missing(next);
    if (why === null) this.#begin(next);
    else if (why !== next.why) next.why = why;
  }

  /** Plain data, to be kept. */
  snapshot(): ShownTurn[] {
    return $state.snapshot(this.#turns);
  }

  #ended: Promise<void> = Promise.resolve();

  #begin(answer: Answer, alone = false): void {
    const before = $state.snapshot(answer);
    const why = this.#missing(answer);
    Object.assign(answer, newAnswer(answer.id, answer.model ?? this.#needs.offers.chosenModel));
    if (why === null) this.#ended = this.#ask(answer, before, alone);
    else this.#wait(answer, before, why);
    this.#needs.changed(this);
  }

  async #ask(answer: Answer, before: Answer, alone: boolean): Promise<void> {
    const { ask, settings, clock, announce, changed } = this.#needs;
    const abort = new AbortController();
    this.#run = { answer, abort };
    const model = answer.model!.id;
    let firstAt: number | null = null;
    try {
      const turns = contextOf(this.#turns, answer.id, alone);
      const request = { model, turns, sampling: settings.samplingFor(model), maxTokens: MAX_TOKENS };
      for await (const event of ask(request, abort.signal)) {
        if (event.type === 'piece') firstAt ??= clock.now();
        takeEvent(answer, event, firstAt === null ? 0 : clock.now() - firstAt);
        if (event.type === 'provider') announce(`${peerName(event.candidate.peerId)} was asked.`);
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
    const { connection, announce } = this.#needs;
    const why = WAITS[error.code];
    if (error.code === 'cancelled') {
      if (answer.text === '' && before.text !== '') Object.assign(answer, before);
      else answer.state = 'stopped';
      announce('Stopped.');
    } else if (why !== undefined && answer.text === '') {
      // Offline, the mesh is not to blame.
      this.#wait(answer, before, connection.status === 'offline' ? 'network' : why);
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
      this.#needs.announce('Your message is kept.');
    } else {
      const { code, says } = CANNOT_ASK[why];
      const error = { code, message: `${says} What you have is kept.` };
      Object.assign(answer, before, { state: 'failed', error });
      this.#needs.announce(error.message);
    }
  }

  /** What must come before this can be asked. */
  #missing(answer: Answer): WaitingFor | null {
    const { connection, offers } = this.#needs;
    if (connection.status === 'offline') return 'network';
    if (!connection.open || !offers.known) return 'mesh';
    const model = answer.model ?? offers.chosenModel;
    return model === null || offers.find(model.id) === null ? 'model' : null;
  }

  #answers(): Answer[] {
    return this.#turns.filter((turn) => turn.role === 'assistant');
  }

  #answer(id: string): Answer | null {
    return this.#answers().find((answer) => answer.id === id) ?? null;
  }
}

/** Not failures: the question waits for these to end. */
const WAITS: Readonly<Partial<Record<ErrorCode, WaitingFor>>> = {
  offline: 'network',
  control_unreachable: 'mesh',
  no_provider: 'model',
  unknown_model: 'model',
};

const CANNOT_ASK: Readonly<Record<WaitingFor, { code: ErrorCode; says: string }>> = {
  network: { code: 'offline', says: 'You are offline.' },
  mesh: { code: 'control_unreachable', says: 'The mesh does not answer yet.' },
  model: { code: 'no_provider', says: 'Nobody has this model right now.' },
};

function titleOf(question: string): string {
  const line = question.trim().split('\n', 1)[0] ?? '';
  return line.length <= 60 ? line : `${line.slice(0, 59).trimEnd()}…`;
}
