/** What the other end of a link owes us an answer to: each waits until it comes, its time is up, or the link is gone. */
import type { Clock } from '../../../base/clock.ts';

interface Owed<Answer> {
  answer: Promise<Answer | null>;
  settle: (answer: Answer | null) => void;
}

export class OwedAnswers<Key, Answer> {
  readonly #clock: Clock;
  readonly #patienceMs: number;
  readonly #owed = new Map<Key, Owed<Answer>>();
  #closed = false;

  constructor(clock: Clock, patienceMs: number) {
    this.#clock = clock;
    this.#patienceMs = patienceMs;
  }

  /** Null: it says that it has none, or says nothing in time. Whoever asks the same meanwhile waits for the same answer. */
  ask(key: Key, send: () => void): Promise<Answer | null> {
    const waiting = this.#owed.get(key);
    if (waiting !== undefined) return waiting.answer;
    if (this.#closed) return Promise.resolve(null);
    let settle: (answer: Answer | null) => void = () => {};
    const answer = new Promise<Answer | null>((resolve) => {
      const stopTimer = this.#clock.after(this.#patienceMs, () => settle(null));
      settle = (given) => {
        stopTimer();
        this.#owed.delete(key);
        resolve(given);
      };
    });
    this.#owed.set(key, { answer, settle });
    send();
    return answer;
  }

  /** Does nothing when nobody asked. */
  came(key: Key, answer: Answer | null): void {
    this.#owed.get(key)?.settle(answer);
  }

  /** Nothing comes any more. */
  close(): void {
    this.#closed = true;
    for (const { settle } of [...this.#owed.values()]) settle(null);
  }
}
