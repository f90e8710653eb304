/**
 * Guesses that an answer repeats its conversation: what stood behind these words before comes again. It is free, and useful
 * where text is edited, quoted or filled in. After https://github.com/apoorvumang/prompt-lookup-decoding
 */
import type { Token } from 'node-llama-cpp';
import type { Guesser } from './guesser.ts';

/** The longest run of last tokens that is looked for, down to the shortest that means anything. */
const LONGEST = 4;
const SHORTEST = 2;

export class PromptLookup implements Guesser {
  async guess(tokens: readonly Token[], most: number): Promise<Token[]> {
    for (let length = LONGEST; length >= SHORTEST; length -= 1) {
      const at = lastSeen(tokens, length);
      if (at !== -1) return tokens.slice(at + length, at + length + most);
    }
    return [];
  }
}

/** Where the last `length` tokens stood before; -1: nowhere. */
function lastSeen(tokens: readonly Token[], length: number): number {
  const from = tokens.length - length;
  for (let at = from - 1; at >= 0; at -= 1) {
    let same = 0;
    while (same < length && tokens[at + same] === tokens[from + same]) same += 1;
    if (same === length) return at;
  }
  return -1;
}
