/** All the choices of one request, written side by side, as one stream of what they say. */
import { onAbort } from '@llmesh/core/base/abort';
import { cancelled } from '@llmesh/core/base/errors';
import type { PeerId } from '@llmesh/core/base/ids';
import type { TokenLogprob } from '@llmesh/core/protocol';
import { AsyncQueue } from '@llmesh/core/base/queue';
import { answer, type AnswerNeeds, type Ending, type Question } from './answer.ts';
import { toSeed } from '../request/request-fields.ts';
import { ToolReader } from './tool-reader.ts';

/** After this the client hears that its request is being worked on, whatever becomes of it. */
const SILENCE_MS = 2_000;

export type ChoiceEvent = { index: number } & (
  | { type: 'text'; text: string; logprobs: readonly TokenLogprob[]; model: string }
  /** A function is to be called: call number `call` of this choice. */
  | { type: 'call'; call: number; id: string; name: string; model: string }
  /** The next piece of its arguments. */
  | { type: 'arguments'; call: number; text: string; model: string }
  | { type: 'end'; ending: Ending }
);

export interface ChoicesNeeds extends AnswerNeeds {
  newId: () => string;
}

export interface ChoicesQuestion extends Question {
  /** Functions may be called. */
  tools: boolean;
}

export class Choices {
  /** Ends with the last choice, or with the error of the first that failed, which ends the others. */
  readonly events = new AsyncQueue<ChoiceEvent>();
  /** Resolves when it is clear that there is something to stream, or to wait for. Rejects with what ended it before. */
  readonly begun: Promise<void>;
  /** Who has written so far. */
  readonly writers = new Set<PeerId>();
  readonly #abort = new AbortController();

  /** One choice of each question, in their order. */
  constructor(questions: readonly ChoicesQuestion[], needs: ChoicesNeeds, signal: AbortSignal) {
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
    // Whoever streams waits for it; whoever collects reads the error from `events`.
    this.begun.catch(() => {});
  }

  /** Nobody reads it any more: every provider stops. Idempotent. */
  close(): void {
    this.#abort.abort();
    this.events.end(cancelled());
  }

  async #run(question: ChoicesQuestion, index: number, needs: ChoicesNeeds, begin: () => void): Promise<void> {
    const reader = question.tools ? new ToolReader() : null;
    let calls = 0;
    for await (const part of answer(question, needs, this.#abort.signal)) {
      if (part.type === 'text' && part.provider !== null) this.writers.add(part.provider);
      begin();
      if (part.type === 'end') {
        const called = calls > 0 && part.ending.finish === 'stop';
        this.events.push({
          index,
          type: 'end',
          ending: called ? { ...part.ending, finish: 'tool_calls' } : part.ending,
        });
      }
      if (part.type !== 'text') continue;
      const { model, text, logprobs } = part;
      const pieces = reader === null ? [{ type: 'content' as const, text }] : reader.push(text);
      for (const piece of pieces) {
        if (piece.type === 'content') this.events.push({ index, type: 'text', text: piece.text, logprobs, model });
        else if (piece.type === 'arguments') {
          this.events.push({ index, type: 'arguments', call: piece.index, text: piece.text, model });
        } else {
          calls += 1;
          const { name, index: call } = piece;
          this.events.push({ index, type: 'call', call, id: `call_${needs.newId()}`, name, model });
        }
      }
    }
  }
}

/** So often the same question, each for another answer; the same ones again for the same seed. */
export function repeated(question: ChoicesQuestion, times: number): ChoicesQuestion[] {
  const { seed } = question.sampling;
  return Array.from({ length: times }, (_, i) =>
    seed === undefined ? question : { ...question, sampling: { ...question.sampling, seed: toSeed(seed + i) } },
  );
}
