/** All the choices of one request, written side by side, as one stream of what they say. */
import { onAbort } from '@llmesh/core/abort';
import { cancelled } from '@llmesh/core/errors';
import type { PeerId } from '@llmesh/core/ids';
import { AsyncQueue } from '@llmesh/core/queue';
import { answer, type AnswerNeeds, type AnswerPart, type Question } from './answer.ts';
import { toSeed } from './chat-request.ts';

/** After this the client hears that its request is being worked on, whatever becomes of it. */
const SILENCE_MS = 2_000;

export type ChoiceEvent = { index: number } & Exclude<AnswerPart, { type: 'waiting' }>;

export class Choices {
  /** Ends with the last choice, or with the error of the first that failed, which ends the others. */
  readonly events = new AsyncQueue<ChoiceEvent>();
  /** Resolves when it is clear that there is something to stream, or to wait for. Rejects with what ended it before. */
  readonly begun: Promise<void>;
  /** Who has written so far. */
  readonly writers = new Set<PeerId>();
  readonly #abort = new AbortController();

  constructor(question: Question, count: number, needs: AnswerNeeds, signal: AbortSignal) {
    const stopListening = onAbort(signal, () => this.close());
    let begin = () => {};
    this.begun = new Promise((resolve, reject) => {
      begin = resolve;
      const stopTimer = needs.clock.after(SILENCE_MS, resolve);
      const runs = Array.from({ length: count }, (_, index) => this.#run(of(question, index), index, needs, begin));
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
    // Whoever streams waits for it; whoever collects reads the error from `events`.
    this.begun.catch(() => {});
  }

  /** Nobody reads it any more: every provider stops. Idempotent. */
  close(): void {
    this.#abort.abort();
    this.events.end(cancelled());
  }

  async #run(question: Question, index: number, needs: AnswerNeeds, begin: () => void): Promise<void> {
    for await (const part of answer(question, needs, this.#abort.signal)) {
      if (part.type === 'text' && part.provider !== null) this.writers.add(part.provider);
      begin();
      if (part.type === 'waiting') continue;
      this.events.push({ index, ...part });
    }
  }
}

/** Each choice is another answer to the same question, and the same ones again for the same seed. */
function of(question: Question, index: number): Question {
  const { seed } = question.sampling;
  if (seed === undefined || index === 0) return question;
  return { ...question, sampling: { ...question.sampling, seed: toSeed(seed + index) } };
}
