/** All the choices of one request, written side by side, as one stream of events. */
import { onAbort } from '@llmesh/core/base/abort';
import { cancelled } from '@llmesh/core/base/errors';
import type { PeerId } from '@llmesh/core/base/ids';
import type { TokenLogprob } from '@llmesh/core/protocol';
import { AsyncQueue } from '@llmesh/core/base/queue';
import { answer, type AnswerNeeds, type Ending, type Question } from './answer.ts';
import { toSeed } from '../request/sampling-fields.ts';

/** After this the client hears that its request is being worked on, even if it fails later. */
const SILENCE_MS = 2_000;

export type ChoiceEvent = { index: number } & (
  | { type: 'text'; text: string; logprobs: readonly TokenLogprob[]; model: string }
  /** What the model thinks before it speaks. */
  | { type: 'thought'; text: string; model: string }
  /** A function is called: call number `call` of this choice. */
  | { type: 'call'; call: number; id: string; name: string; model: string }
  /** The next piece of its arguments. */
  | { type: 'arguments'; call: number; text: string; model: string }
  | { type: 'end'; ending: Ending }
);

export interface ChoicesNeeds extends AnswerNeeds {
  newId: () => string;
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

  async #run(question: Question, index: number, needs: ChoicesNeeds, begin: () => void): Promise<void> {
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
          this.events.push({ index, type: 'end', ending });
          break;
        }
        case 'call': {
          calls += 1;
          const { call, name, model } = part;
          this.events.push({ index, type: 'call', call, id: `call_${needs.newId()}`, name, model });
          break;
        }
        case 'arguments': {
          const { call, text, model } = part;
          this.events.push({ index, type: 'arguments', call, text, model });
          break;
        }
        case 'thought':
          this.events.push({ index, type: 'thought', text: part.text, model: part.model });
          break;
        case 'text': {
          const { text, logprobs, model } = part;
          this.events.push({ index, type: 'text', text, logprobs, model });
          break;
        }
        default:
          part satisfies never;
      }
    }
  }
}

/** The same question so many times, each for a different answer; the same seed gives the same answers again. */
export function repeated(question: Question, times: number): Question[] {
  const { seed } = question.sampling;
  return Array.from({ length: times }, (_, i) =>
    seed === undefined ? question : { ...question, sampling: { ...question.sampling, seed: toSeed(seed + i) } },
  );
}
