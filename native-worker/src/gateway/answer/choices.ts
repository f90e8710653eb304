/** All the choices of one request, written side by side, as one stream of events. */
import { onAbort } from '@llmesh/core/base/abort';
import { cancelled } from '@llmesh/core/base/errors';
import type { PeerId } from '@llmesh/core/base/ids';
import type { Turn } from '@llmesh/core/protocol';
import { AsyncQueue } from '@llmesh/core/base/queue';
import { answer, type AnswerNeeds, type Ending, type Question } from './answer.ts';
import type { ChoiceEvent } from './choice-event.ts';
import { rightAnswer } from './right-answer.ts';
import { NOTHING_WANTED, type Wanted } from '../request/answer-form.ts';
import { toSeed } from '../request/sampling-fields.ts';
import { contained } from '../../contained/contained.ts';

/** After this the client hears that its request is being worked on, even if it fails later. */
const SILENCE_MS = 2_000;

export interface ChoicesNeeds extends AnswerNeeds {
  newId: () => string;
}

export interface ChoicesQuestion extends Question {
  /** What is looked at once it is whole. Left out: nothing. */
  wanted?: Wanted;
}

export class Choices {
  /** Ends with the last choice, or with the error of the first that failed, which ends the others. */
  readonly events = new AsyncQueue<ChoiceEvent>();
  /** Resolves once there is something to stream, or to wait for. Rejects with the error that ended it before. */
  readonly begun: Promise<void>;
  /** Who has written so far. */
  readonly writers = new Set<PeerId>();
  readonly #abort = new AbortController();

  /** One choice of each question, in their order. */
  constructor(questions: readonly Question[], needs: ChoicesNeeds, signal: AbortSignal) {
    const stopListening = onAbort(signal, () => this.close());
    let begin = () => {};
    this.begun = new Promise((resolve, reject) => {
      begin = resolve;
      const stopTimer = needs.clock.after(SILENCE_MS, resolve);
      const runs = questions.map((question, index) => this.#run(question, index, needs, begin));
      Promise.all(runs)
        .then(
          () => this.events.end(),
          (error: unknown) => {
            reject(error);
            this.events.end(error);
            this.#abort.abort();
          },
        )
        .finally(() => {
          stopTimer();
          stopListening();
        });
    });
    // A client that streams waits for it; one that wants the whole answer reads the error from `events`.
    this.begun.catch(() => {});
  }

  /** Stops every provider, as nobody reads the answer any more. Idempotent. */
  close(): void {
    this.#abort.abort();
    this.events.end(cancelled());
  }

  async #run(question: ChoicesQuestion, index: number, needs: ChoicesNeeds, begin: () => void): Promise<void> {
    const { wanted = NOTHING_WANTED, ...asked } = question;
    const ask = (more: readonly Turn[]) =>
      this.#written({ ...asked, turns: [...asked.turns, ...more] }, index, needs, begin);
    for await (const event of rightAnswer({ wanted, ask, checker: contained.schemas })) this.events.push(event);
  }

  /** One answer to the question, as it is written. */
  async *#written(
    question: Question,
    index: number,
    needs: ChoicesNeeds,
    begin: () => void,
  ): AsyncGenerator<ChoiceEvent, void, undefined> {
    let calls = 0;
    for await (const part of answer(question, needs, this.#abort.signal)) {
      if (part.type !== 'waiting' && part.type !== 'end' && part.provider !== null) this.writers.add(part.provider);
      begin();
      switch (part.type) {
        case 'waiting':
          break;
        case 'end': {
          const called = calls > 0 && part.ending.finish === 'stop';
          const ending: Ending = called ? { ...part.ending, finish: 'tool_calls' } : part.ending;
          yield { index, type: 'end', ending };
          break;
        }
        case 'call': {
          calls += 1;
          const { call, name, model } = part;
          yield { index, type: 'call', call, id: `call_${needs.newId()}`, name, model };
          break;
        }
        case 'arguments': {
          const { call, text, model } = part;
          yield { index, type: 'arguments', call, text, model };
          break;
        }
        case 'thought':
          yield { index, type: 'thought', text: part.text, model: part.model };
          break;
        case 'text': {
          const { text, logprobs, model } = part;
          yield { index, type: 'text', text, logprobs, model };
          break;
        }
        default:
          part satisfies never;
      }
    }
  }
}

/** The same question so many times, each for a different answer; the same seed gives the same answers again. */
export function repeated(question: ChoicesQuestion, times: number): ChoicesQuestion[] {
  const { seed } = question.sampling;
  return Array.from({ length: times }, (_, i) =>
    seed === undefined ? question : { ...question, sampling: { ...question.sampling, seed: toSeed(seed + i) } },
  );
}
