/** Turns one answer of web-llm into pieces with their tokens: web-llm holds a token back until its character is whole. */
import { MeshError } from '@llmesh/core/base/errors';
import type { Finish } from '@llmesh/core/engine/engine';
import type { OnPiece } from '../common/adapter.ts';
import { promptTokens, type MlcPipeline } from './mlc-pipeline.ts';
import { promptTooLong } from './web-llm-errors.ts';

export class MlcAnswer {
  readonly #pipeline: MlcPipeline;
  readonly #onPiece: OnPiece;
  /** The number of tokens of the turns, where the prompt ends in an answer that was begun elsewhere; null: it does not. */
  readonly #turnTokens: number | null;
  #prompt: Prompt | null = null;
  /** So many of the tokens are in pieces. */
  #told = 0;
  #tokens = 0;
  #finish: Finish['finish'] = 'stop';

  constructor(pipeline: MlcPipeline, turnTokens: number | null, onPiece: OnPiece) {
    this.#pipeline = pipeline;
    this.#turnTokens = turnTokens;
    this.#onPiece = onPiece;
  }

  /**
   * Takes the text of a chunk, which may be empty, while web-llm stands at it. Returns whether there may be more. Throws
   * prompt_too_long.
   */
  take(text: string): boolean {
    const { turnTokens, room } = (this.#prompt ??= this.#measured());
    const written = this.#pipeline.outputIds.length;
    this.#tokens = Math.min(written, room);
    if (text !== '' && written <= room) {
      const tokenIds = this.#pipeline.outputIds.slice(this.#told);
      const piece = { text, tokens: tokenIds.length, tokenIds };
      this.#onPiece(this.#told === 0 ? Object.assign(piece, { promptTokens: turnTokens }) : piece);
      this.#told = written;
    }
    // web-llm itself would write one token more, which no other engine could continue behind.
    if (written < room) return true;
    this.#finish = 'length';
    return false;
  }

  ends(finish: Finish['finish']): void {
    this.#finish = finish;
  }

  get finish(): Finish {
    if (this.#prompt === null) throw new MeshError('engine_failed', 'The model stopped without finishing. Try again.');
    return { finish: this.#finish, promptTokens: this.#prompt.turnTokens, completionTokens: this.#tokens };
  }

  #measured(): Prompt {
    const whole = promptTokens(this.#pipeline);
    const { contextWindowSize } = this.#pipeline;
    const room = contextWindowSize === -1 ? Infinity : Math.max(contextWindowSize - whole, 0);
    if (room === 0 && this.#turnTokens === null) throw promptTooLong();
    return { turnTokens: this.#turnTokens ?? whole, room };
  }
}

interface Prompt {
  turnTokens: number;
  /** For so many tokens of an answer. */
  room: number;
}
