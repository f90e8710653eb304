/** Tokens as text, as they come. A token may end inside a character; what is handed out never does. */
import { LlamaVocabularyType, type LlamaModel, type Token } from 'node-llama-cpp';
import type { Piece } from '@llmesh/core/engine/engine';

/** The character that an unfinished (or wrong) UTF-8 sequence decodes to. */
const REPLACEMENT = '\ufffd';
/** A character has at most four bytes: with more tokens than that, the bytes were wrong and not unfinished. */
export const MAX_HELD = 8;
const TRAIL = 3;
const NO_MARKS: ReadonlySet<Token> = new Set();

/** The tokens that a model has for these marks; a mark that it writes as several has none. */
export function markTokens(model: LlamaModel, marks: readonly string[]): ReadonlyMap<string, Token> {
  const tokens = new Map<string, Token>();
  for (const mark of marks) {
    const [token, ...more] = model.tokenize(mark, true);
    if (token !== undefined && more.length === 0 && !model.isEogToken(token)) tokens.set(mark, token);
  }
  return tokens;
}

export class TokenText {
  #model: LlamaModel;
  #held: Token[] = [];
  /** The tokens before, where the vocabulary spells a word differently at the start of a text. */
  #trail: Token[] | null;
  readonly #marks: ReadonlySet<Token>;

  /** `marks`: special tokens that are a part of the text, as `markTokens` finds them. */
  constructor(model: LlamaModel, prompt: readonly Token[], marks: ReadonlySet<Token> = NO_MARKS) {
    this.#model = model;
    this.#marks = marks;
    this.#trail = model.vocabularyType === LlamaVocabularyType.bpe ? null : prompt.slice(-TRAIL);
  }

  /** The piece that `token` completes, or null: half a character, or a token without a text. */
  push(token: Token): Piece | null {
    this.#held.push(token);
    const text = this.#text();
    if (text === '' || (text.endsWith(REPLACEMENT) && this.#held.length < MAX_HELD)) return null;
    return this.#take(text);
  }

  /** The rest when the answer ends, without half a character. */
  end(): Piece | null {
    let text = this.#text();
    while (text.endsWith(REPLACEMENT)) text = text.slice(0, -1);
    return text === '' ? null : this.#take(text);
  }

  #text(): string {
    if (this.#held.some((token) => this.#marks.has(token))) {
      return this.#held.map((token) => this.#model.detokenize([token], this.#marks.has(token))).join('');
    }
    return this.#trail === null
      ? this.#model.detokenize(this.#held)
      : this.#model.detokenize(this.#held, false, this.#trail);
  }

  #take(text: string): Piece {
    const tokenIds = this.#held;
    this.#held = [];
    if (this.#trail !== null) this.#trail = [...this.#trail, ...tokenIds].slice(-TRAIL);
    return { text, tokenIds, tokens: tokenIds.length };
  }
}
