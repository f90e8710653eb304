/** One answer at work: from asking for it to its end, whatever that is. */
import type { Clock } from '@llmesh/core/base/clock';
import { DeliveredAnswer } from '@llmesh/core/ask/delivered-answer';
import type { AnswerEvent, AskRequest } from '@llmesh/core/ask/answer';
import { asMeshError, cancelled, MeshError, type ErrorCode } from '@llmesh/core/base/errors';
import { SpeedMeter } from '@llmesh/core/engine/speed';
import { next, type AnswerChange } from './answer-change.ts';
import type { newsOf } from './answer-news.ts';
import type { failureOf } from './answer-words.ts';
import type { Ask } from '../ask.ts';
import { WAITS, type ObstacleNeeds } from './obstacles.ts';
import type { ThoughtReader } from './thought.ts';
import type { SleepWatch } from '../sleep-watch.ts';
import { isRunning, keptOf, type Answer, type KeptIds, type WaitingFor } from './turn.ts';
import { unsaidSyntax } from './unsaid-syntax.ts';

/** What is told of an answer, by the names of those who write it. */
export interface AnswerWords {
  newsOf: typeof newsOf;
  failureOf: typeof failureOf;
}

export interface AnswerRunNeeds extends ObstacleNeeds {
  /** Asks volunteers. */
  ask: Ask;
  /** Asks this device, and nobody else. */
  askHere: Ask;
  clock: Clock;
  sleep: SleepWatch;
  announce: (text: string) => void;
  /** Null until it is here: it comes with what asks. */
  words: () => AnswerWords | null;
  /** Hears of what the page can do without. */
  failed: (error: unknown) => void;
}

/** What a connection ends with when this computer was asleep. */
const BREAKS: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'provider_lost',
  'connect_failed',
  'seal_failed',
  'lease_refused',
]);

export class AnswerRun {
  readonly answer: Answer;
  readonly #before: Answer;
  readonly #needs: AnswerRunNeeds;
  /** What has come of it, and from which file of which model. */
  readonly #delivered: DeliveredAnswer;
  #file: { sha256: string | null };
  /** Reads an answer that begins with thoughts; null: all of it is said. */
  #thoughts: ThoughtReader | null = null;
  readonly #speed = new SpeedMeter();
  readonly #abort = new AbortController();
  #slept = false;

  /** Continues what there is of `answer`. `before`: as it was when it was asked for this time. */
  constructor(answer: Answer, before: Answer, needs: AnswerRunNeeds) {
    this.answer = answer;
    this.#before = before;
    this.#needs = needs;
    this.#delivered = new DeliveredAnswer(keptOf(answer), answer.model?.adapter?.sha256);
    const here = answer.scope === 'device' && answer.model !== null ? needs.local.find(answer.model.id) : null;
    this.#file = { sha256: here?.format === 'gguf' ? here.sha256 : null };
  }

  /** The token ids of what there is by now; null: not known. */
  get ids(): KeptIds | null {
    const { tokenIds, sha256 } = this.#delivered.kept;
    return tokenIds === null || sha256 === null ? null : { tokenIds: [...tokenIds], sha256 };
  }

  /** All that there was of it when it ended. */
  get text(): string {
    return this.#delivered.text;
  }

  /** It waits, as this computer slept: it is to be continued as soon as it can be. */
  get slept(): boolean {
    return this.#slept;
  }

  /** As it is to be kept: without the old words of one that is asked anew nothing would be left if this page were closed. */
  keptAs(answer: Answer): Answer {
    if (!isRunning(answer)) return answer;
    if (answer.text !== '' || this.#before.text === '') return { ...answer, ids: this.ids };
    return { ...this.#before, state: answer.state, why: null, error: null };
  }

  stop(): void {
    this.#abort.abort();
  }

  /** Never rejects. `changed`: something came. */
  async ask(request: AskRequest, changed: () => void): Promise<void> {
    const { ask, askHere, announce } = this.#needs;
    const { answer } = this;
    try {
      this.#abort.signal.throwIfAborted();
      const onGiving = ({ sentBytes }: { sentBytes: number }) => (answer.givenBytes = sentBytes);
      const events = (answer.scope === 'device' ? askHere : ask)({ ...request, onGiving }, this.#abort.signal);
      for await (const event of events) {
        const { state, ahead } = answer;
        const syntax = event.type === 'piece' ? this.#syntaxOf(event) : undefined;
        if (syntax !== undefined && this.#thoughts === null) await this.#readAs(syntax);
        change(answer, this.#changeBy(event));
        const news = this.#needs.words()?.newsOf(answer, event, { state, ahead }) ?? null;
        if (news !== null) announce(news);
        changed();
      }
      if (isRunning(answer)) throw new MeshError('provider_lost', 'The answer broke off.');
    } catch (thrown) {
      this.#fail(
        this.#abort.signal.aborted
          ? cancelled()
          : asMeshError(thrown, 'engine_failed', 'Something went wrong on this page. Try again?'),
      );
    }
  }

  #changeBy(event: AnswerEvent): AnswerChange {
    switch (event.type) {
      case 'provider':
      case 'resumed':
        this.#file = event.candidate.model;
        return event;
      case 'interrupted':
        return { type: 'interrupted', slept: this.#needs.sleep.lately };
      case 'piece': {
        const { text, tokens, tokenIds, syntax } = event;
        const ids = tokenIds !== null && { tokenIds: [...tokenIds] };
        const piece = { text, ...ids, ...(syntax !== undefined && { syntax }) };
        const nowMs = this.#needs.clock.now();
        this.#delivered.add({ piece, units: tokens }, this.#file);
        this.#thoughts?.read(text, nowMs);
        this.#speed.add(tokens, nowMs);
        return {
          type: 'wrote',
          text: this.#delivered.text,
          thought: this.#thoughts?.thought,
          tokens: this.#delivered.tokens,
          tokensPerSecond: this.#speed.overall(),
          sha256: this.#file.sha256,
        };
      }
      case 'done':
        this.#thoughts?.end();
        return {
          type: 'done',
          summary: event.summary,
          tokens: this.#delivered.tokens,
          thought: this.#thoughts?.thought,
          ids: this.ids,
        };
      default:
        return event;
    }
  }

  #syntaxOf({ syntax, text }: Extract<AnswerEvent, { type: 'piece' }>): string | undefined {
    return syntax ?? this.answer.thought?.syntax ?? this.#unsaid(text);
  }

  #unsaid(next: string): string | undefined {
    return this.#thoughts === null ? unsaidSyntax(this.#delivered.text.slice(0, 100) + next) : undefined;
  }

  /** Most models do not think, and the page fetches no reader for them. Until it is here, all of the text is shown. */
  async #readAs(syntax: string): Promise<void> {
    try {
      const { ThoughtReader } = await import('./thought.ts');
      this.#thoughts = new ThoughtReader(syntax, this.answer.thought?.ms);
      this.#thoughts.catchUp(this.#delivered.text);
    } catch (error) {
      this.#needs.failed(error);
    }
  }

  #fail(error: MeshError): void {
    const { connection, lending, sleep, announce } = this.#needs;
    const { answer, ids } = this;
    const before = this.#before;
    const why = answer.scope === 'device' ? undefined : WAITS[error.code];
    if (error.code === 'cancelled') {
      change(answer, { type: 'stopped', ids, before });
      announce('Stopped.');
    } else if (answer.scope !== 'device' && (why !== undefined || BREAKS.has(error.code)) && sleep.lately) {
      // Nobody is to blame, and nobody has to press anything.
      this.#slept = true;
      answer.ids = ids;
      change(answer, { type: 'held', why: 'mesh', before: answer });
    } else if (why !== undefined && answer.text === '') {
      // Offline, the mesh is not to blame.
      const nobody = why === 'model' && answer.scope === 'trusted' ? 'trusted' : why;
      keepWaiting(answer, before, connection.status === 'offline' ? 'network' : nobody, this.#needs);
      // What we believed about the trusted volunteers was wrong.
      if (nobody === 'trusted') lending.look();
    } else {
      const shown = { code: error.code, message: this.#needs.words()?.failureOf(answer, error) ?? error.message };
      change(answer, { type: 'failed', error: shown, ids, before });
      announce(shown.message);
    }
  }
}

/** Keeps the question, with the text it continues, until it can be asked; if asked again, restores the old answer. */
export function keepWaiting(
  answer: Answer,
  before: Answer,
  why: WaitingFor,
  { local, announce }: Pick<AnswerRunNeeds, 'local' | 'announce'>,
): void {
  change(answer, { type: 'held', why, before });
  if (answer.state === 'waiting') {
    // Those who need to know are woken when it is known; this never rejects, as nothing aborts it.
    if (why === 'device') void local.findOut(new AbortController().signal);
    if (before.state !== 'waiting') announce('Your message is saved.');
  } else if (answer.error !== null) announce(answer.error.message);
}

/** In place, as the page watches this very answer. */
export function change(answer: Answer, by: AnswerChange): void {
  Object.assign(answer, next(answer, by));
}
