/** What of an answer has come so far, from whichever providers: enough to let the next one go on after exactly that. */
import type { Leased, ModelAdvert } from './control-protocol.ts';
import type { AnswerPrefix } from './engine.ts';
import type { TaskChunk } from './protocol.ts';

export class DeliveredAnswer {
  text = '';
  tokens = 0;
  /** Null once a piece came without, or from another file than those before. */
  #tokenIds: number[] | null = [];
  /** The file whose tokens these are. */
  #sha256: string | null = null;

  add({ text, tokens, tokenIds }: TaskChunk, { model }: Leased): void {
    const sameFile = this.tokens === 0 || (model.sha256 !== null && model.sha256 === this.#sha256);
    this.#sha256 = model.sha256;
    if (tokenIds === undefined || !sameFile) this.#tokenIds = null;
    else this.#tokenIds?.push(...tokenIds);
    this.text += text;
    this.tokens += tokens;
  }

  /** Is it the file that wrote all of it? Then greedy decoding goes on with the same words. */
  isFile(model: ModelAdvert): boolean {
    return model.sha256 !== null && model.sha256 === this.#sha256;
  }

  /** For a provider of this model; null: it begins at the beginning. */
  prefixFor(model: ModelAdvert): AnswerPrefix | null {
    if (this.tokens === 0) return null;
    const { text, tokens } = this;
    return { text, tokens, tokenIds: this.isFile(model) ? (this.#tokenIds?.slice() ?? null) : null };
  }
}
