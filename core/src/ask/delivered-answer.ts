/** The part of an answer that has come, from whichever providers: enough for the next one to continue exactly there. */
import type { ModelAdvert } from '../wire/model-advert.ts';
import type { AnswerPrefix } from '../engine/engine.ts';
import { wellFormed } from '../wire/fields.ts';
import {
  MAX_PREFIX_CHARACTERS,
  MAX_PREFIX_TOKENS,
  MAX_TOKEN_CHARACTERS,
  MAX_TOKEN_ID,
  MAX_TOKEN_IDS,
} from '../wire/peer-limits.ts';
import { MeshError } from '../base/errors.ts';
import type { AnswerPiece } from '../tasks/answer-messages.ts';
import type { Written } from '../tasks/task-kind.ts';

/** An answer that broke off, as it is kept to be continued another day. */
export interface KeptAnswer {
  text: string;
  tokens: number;
  /** The tokens in the vocabulary of the file `sha256`; null where they are not known. */
  tokenIds: readonly number[] | null;
  /** The file whose tokens these are; null where that is not known. */
  sha256: string | null;
  /** The adapter that it was written with. Left out: none. */
  adapter?: string | undefined;
  /** How it is to be read; null: all of it is said. Left out: not known. */
  syntax?: string | null | undefined;
}

/** Is there a beginning, and may it be sent whole? */
export function mayGoOn({ text, tokens }: Pick<KeptAnswer, 'text' | 'tokens'>): boolean {
  return (
    Number.isInteger(tokens) &&
    tokens > 0 &&
    tokens <= MAX_PREFIX_TOKENS &&
    // A kept answer has to be as plausible as one that arrives.
    text.length <= Math.min(MAX_PREFIX_CHARACTERS, tokens * MAX_TOKEN_CHARACTERS)
  );
}

type ModelFile = Pick<ModelAdvert, 'sha256'>;

export class DeliveredAnswer {
  text = '';
  tokens = 0;
  /** Null after a piece without ids or from another file, and when there are too many to send. */
  #tokenIds: number[] | null = [];
  /** The file whose tokens these are. */
  #sha256: string | null = null;
  readonly #adapter: string | undefined;
  /** How the text is to be read; undefined where nothing came, or nobody kept it. */
  #syntax: string | null | undefined;

  /** `adapter`: writes everything from now on; left out: none. */
  constructor(begun: KeptAnswer | null = null, adapter?: string) {
    this.#adapter = adapter;
    if (begun === null) return;
    this.text = wellFormed(begun.text);
    this.tokens = begun.tokens;
    // With another adapter the same file is another model.
    const same = begun.adapter === adapter;
    this.#tokenIds = same && areOf(begun.tokens, begun.tokenIds) ? begun.tokenIds.slice() : null;
    this.#sha256 = same ? begun.sha256 : null;
    this.#syntax = begun.syntax;
  }

  /** How the text is to be read; null: all of it is said. Undefined: nothing came yet, or nobody kept it. */
  get syntax(): string | null | undefined {
    return this.#syntax;
  }

  get kept(): KeptAnswer {
    const { text, tokens } = this;
    const adapter = this.#adapter;
    return {
      text,
      tokens,
      tokenIds: this.#tokenIds?.slice() ?? null,
      sha256: this.#sha256,
      ...(this.#syntax !== undefined && { syntax: this.#syntax }),
      ...(adapter !== undefined && { adapter }),
    };
  }

  add({ piece: { text, tokenIds, syntax }, units: tokens }: Written<AnswerPiece>, model: ModelFile): void {
    if (this.tokens === 0) this.#syntax = syntax ?? null;
    const sameFile = this.tokens === 0 || this.isFile(model);
    this.#sha256 = model.sha256;
    const ids = sameFile && this.tokens + tokens <= MAX_TOKEN_IDS && areOf(tokens, tokenIds) ? tokenIds : null;
    if (ids === null) this.#tokenIds = null;
    else this.#tokenIds?.push(...ids);
    this.text += wellFormed(text);
    this.tokens += tokens;
  }

  /** Did this file write all of it? Then greedy decoding continues with the same words. */
  isFile(model: ModelFile): boolean {
    return model.sha256 !== null && model.sha256 === this.#sha256;
  }

  /** The prefix for a provider of this model; null: it starts from the beginning. */
  prefixFor(model: ModelFile): AnswerPrefix | null {
    if (this.tokens === 0) return null;
    const { text, tokens } = this;
    const tokenIds = this.isFile(model) ? (this.#tokenIds?.slice() ?? null) : null;
    return { text, tokens, tokenIds, ...(this.#syntax !== undefined && { syntax: this.#syntax }) };
  }
}

/** Can these be the ids of this many tokens, as far as one can tell without the vocabulary? */
function areOf(tokens: number, ids: readonly number[] | null | undefined): ids is readonly number[] {
  return (
    ids?.length === tokens &&
    tokens <= MAX_TOKEN_IDS &&
    ids.every((id) => Number.isInteger(id) && id >= 0 && id <= MAX_TOKEN_ID)
  );
}

/** Why nobody can continue this; null: they can. */
export function prefixFault(begun: KeptAnswer | null): MeshError | null {
  if (begun === null || mayGoOn(begun)) return null;
  return new MeshError('prompt_too_long', 'This answer is too long to continue. Ask for the rest in a new question.');
}
