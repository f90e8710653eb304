/** Turns one completion of wllama into an answer: chunks into pieces with their tokens, and how it ended. */
import type { Finish } from '@llmesh/core/engine/engine';
import { MeshError } from '@llmesh/core/base/errors';
import type { RawCompletionChunk } from '@wllama/wllama/esm/index.js';
import type { OnPiece } from '../common/adapter.ts';

/** What llama.cpp's server is asked to report with each chunk; wllama passes on more than its types say. */
export const TELL_TOKENS = { timings_per_token: true, verbose: true, return_tokens: true };

/** `__verbose.tokens`: the ids of the last token of the chunk. */
type Chunk = RawCompletionChunk & { __verbose?: { tokens?: number[] } };

export class WllamaAnswer {
  readonly #onPiece: OnPiece;
  /** How many tokens of the prompt were written before, as part of the answer. */
  readonly #prefixTokens: number;
  #tokens = 0;
  #finish: Finish | null = null;

  constructor(onPiece: OnPiece, prefixTokens: number) {
    this.#onPiece = onPiece;
    this.#prefixTokens = prefixTokens;
  }

  read(chunk: Chunk): void {
    const [choice] = chunk.choices;
    if (choice === undefined) return;
    // A chunk holds several tokens when the first ended in the middle of a character.
    const written = chunk.timings?.predicted_n ?? this.#tokens + 1;
    if (choice.text !== '') {
      const tokens = Math.max(written - this.#tokens, 1);
      const read = chunk.timings?.prompt_n;
      const tokenIds = chunk.__verbose?.tokens ?? [];
      this.#onPiece({
        text: choice.text,
        tokens,
        ...(tokenIds.length === tokens && { tokenIds }),
        ...(this.#tokens === 0 && read !== undefined && { promptTokens: this.#ofPrompt(read) }),
      });
      this.#tokens += tokens;
    }
    if (choice.finish_reason === null) return;
    const read = chunk.usage?.prompt_tokens ?? chunk.timings?.prompt_n ?? 0;
    this.#finish = {
      finish: choice.finish_reason === 'length' ? 'length' : 'stop',
      promptTokens: this.#ofPrompt(read),
      completionTokens: this.#tokens,
    };
  }

  #ofPrompt(read: number): number {
    return Math.max(read - this.#prefixTokens, 0);
  }

  get finish(): Finish {
    if (this.#finish === null) throw new MeshError('engine_failed', 'The model stopped without finishing. Try again.');
    return this.#finish;
  }
}
