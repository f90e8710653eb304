/** What one answer says, as it comes: read in the syntax of its model, up to the stop that ends it. */
import { MeshError } from '@llmesh/core/base/errors';
import type { TokenLogprob } from '@llmesh/core/protocol';
import type { AnswerPart } from '@llmesh/core/syntax/answer-part';
import { AnswerReader } from '@llmesh/core/syntax/answer-reader';
import { syntaxOf } from '@llmesh/core/syntax/syntaxes';
import type { Tool } from '@llmesh/core/syntax/tools';
import { LetOut } from './let-out.ts';
import { StopScanner } from '@llmesh/core/syntax/stop-scanner';

export type SpokenPart =
  /** `logprobs`: the odds of the tokens that ended in this text, where they were asked for. */
  | { type: 'text'; text: string; logprobs: readonly TokenLogprob[] }
  | { type: 'thought'; text: string }
  /** A function is called: call number `call` of this answer. */
  | { type: 'call'; call: number; name: string }
  /** The next piece of its arguments. */
  | { type: 'arguments'; call: number; text: string };

export interface RawPiece {
  text: string;
  tokens: number;
  logprobs?: readonly TokenLogprob[];
}

export class Spoken {
  /** The tokens of thoughts. */
  reasoningTokens = 0;
  readonly #reader: AnswerReader;
  readonly #scanner: StopScanner;
  readonly #isPlain: boolean;
  readonly #letOut = new LetOut();
  /** The odds of tokens of what is said whose text is still held back, where the text is not what the model wrote. */
  #held: TokenLogprob[] = [];

  /** `syntax`: as the first piece told it. Stops end only what is said. */
  constructor(syntax: string | undefined, tools: readonly Tool[], stops: readonly string[]) {
    const known = syntaxOf(syntax);
    if (known === null) {
      throw new MeshError('unsupported', 'A volunteer answered in a way that is newer than this program. Update it.');
    }
    this.#isPlain = syntax === undefined;
    this.#reader = new AnswerReader(known, tools);
    this.#scanner = new StopScanner(stops);
  }

  /** The stop at which it ended; null: none came. */
  get stoppedAt(): string | null {
    return this.#scanner.found;
  }

  push({ text, tokens, logprobs }: RawPiece): { parts: SpokenPart[]; stopped: boolean } {
    const wasThinking = this.#reader.isThinking;
    const read = this.#reader.push(text);
    if (wasThinking || this.#reader.isThinking) this.reasoningTokens += tokens;
    else if (logprobs !== undefined) {
      if (this.#isPlain) this.#letOut.came(text, logprobs);
      else this.#held.push(...logprobs);
    }
    return this.#told(read);
  }

  /** What was held back, when nothing more comes. */
  end(): SpokenPart[] {
    const { parts, stopped } = this.#told(this.#reader.end());
    return stopped ? parts : [...parts, ...this.#rest()];
  }

  #told(read: readonly AnswerPart[]): { parts: SpokenPart[]; stopped: boolean } {
    const parts: SpokenPart[] = [];
    for (const part of read) {
      if (part.type === 'said') {
        const { text, stopped } = this.#scanner.push(part.text);
        if (text !== '') parts.push(this.#text(text));
        if (stopped) return { parts, stopped };
        continue;
      }
      // No stop reaches from before a call to behind it.
      parts.push(...this.#rest());
      if (part.type === 'thought') parts.push(part);
      else if (part.type === 'call') parts.push({ type: 'call', call: part.index, name: part.name });
      else parts.push({ type: 'arguments', call: part.index, text: part.text });
    }
    return { parts, stopped: false };
  }

  #rest(): SpokenPart[] {
    const text = this.#scanner.end();
    return text === '' ? [] : [this.#text(text)];
  }

  #text(text: string): SpokenPart {
    if (this.#isPlain) return { type: 'text', text, logprobs: this.#letOut.wentOut(text) };
    const logprobs = this.#held;
    this.#held = [];
    return { type: 'text', text, logprobs };
  }
}
