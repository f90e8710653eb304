/** Guesses how an answer continues, cheaper than the model computes it. Never trusted: the model has the last word. */
import type { Token } from 'node-llama-cpp';

export interface Guesser {
  /** At most `most` tokens to follow `tokens`, as many as it dares. `check` throws when nobody waits any more. */
  guess(tokens: readonly Token[], most: number, check: () => void): Promise<Token[]>;
}
