/** What of an answer has come so far, from whichever providers: enough to let the next one go on after exactly that. */
import type { ModelAdvert } from './model-advert.ts';
import type { AnswerPrefix } from './engine.ts';
import { MAX_PREFIX_CHARACTERS, MAX_PREFIX_TOKENS, type TaskChunk } from './protocol.ts';

/** As it is kept of an answer that broke off, to go on with it another day. */
export interface KeptAnswer {
  text: string;
  tokens: number;
  /** In the vocabulary of the file `sha256`; null where they are not known. */
  tokenIds: readonly number[] | null;
  /** The file whose tokens these are; null where that is not known. */
  sha256: string | null;
  /** The adapter that it was written with. Left out: none. */
  adapter?: string | undefined;
}

/** Is there a beginning, and may it be sent whole? */
export function mayGoOn({ text, tokens }: Pick<KeptAnswer, 'text' | 'tokens'>): boolean {
  return tokens > 0 && tokens <= MAX_PREFIX_TOKENS && text.length <= MAX_PREFIX_CHARACTERS;
}

type ModelFile = Pick<ModelAdvert, 'sha256'>;

export class DeliveredAnswer {
  text = '';
  tokens = 0;
  /** Null once a piece came without, or from another file than those before. */
  #tokenIds: number[] | null = [];
  /** The file whose tokens these are. */
  #sha256: string | null = null;
  readonly #adapter: string | undefined;

  /** `adapter`: that all of it is written with from now on; left out: none. */
  constructor(begun: KeptAnswer | null = null, adapter?: string) {
    this.#adapter = adapter;
    if (begun === null) return;
    this.text = begun.text;
    this.tokens = begun.tokens;
    // With another adapter the same file is another model.
    const same = begun.adapter === adapter;
    this.#tokenIds = same ? (begun.tokenIds?.slice() ?? null) : null;
    this.#sha256 = same ? begun.sha256 : null;
  }

  get kept(): KeptAnswer {
    const { text, tokens } = this;
    const adapter = this.#adapter;
    return {
      ...{ text, tokens, tokenIds: this.#tokenIds?.slice() ?? null, sha256: this.#sha256 },
      ...(adapter !== undefined && { adapter }),
    };
  }

  add({ text, tokens, tokenIds }: Pick<TaskChunk, 'text' | 'tokens' | 'tokenIds'>, model: ModelFile): void {
    const sameFile = this.tokens === 0 || this.isFile(model);
    this.#sha256 = model.sha256;
    if (tokenIds === undefined || !sameFile) this.#tokenIds = null;
    else this.#tokenIds?.push(...tokenIds);
    this.text += text;
    this.tokens += tokens;
  }

  /** Is it the file that wrote all of it? Then greedy decoding goes on with the same words. */
  isFile(model: ModelFile): boolean {
    return model.sha256 !== null && model.sha256 === this.#sha256;
  }

  /** For a provider of this model; null: it begins at the beginning. */
  prefixFor(model: ModelFile): AnswerPrefix | null {
    if (this.tokens === 0) return null;
    const { text, tokens } = this;
    return { text, tokens, tokenIds: this.isFile(model) ? (this.#tokenIds?.slice() ?? null) : null };
  }
}
