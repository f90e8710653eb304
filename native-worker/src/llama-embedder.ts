/** Texts as vectors, by a llama.cpp context that is made for that: one text after another, each in one go. */
import type { LlamaEmbeddingContext, LlamaModel } from 'node-llama-cpp';
import type { TextVector } from '@llmesh/core/engine';
import { asMeshError, MeshError } from '@llmesh/core/errors';
import { unitVector } from '@llmesh/core/vector';
import { tokensOf } from './prompt-tokens.ts';

export interface LlamaEmbedderOptions {
  /** Of the longest text, with what the model puts around it. */
  contextTokens: number;
  threads: number;
}

export class LlamaEmbedder {
  readonly contextTokens: number;
  readonly #context: LlamaEmbeddingContext;

  constructor(context: LlamaEmbeddingContext, contextTokens: number) {
    this.#context = context;
    this.contextTokens = contextTokens;
  }

  static async open(
    model: LlamaModel,
    { contextTokens, threads }: LlamaEmbedderOptions,
    createSignal: AbortSignal,
  ): Promise<LlamaEmbedder> {
    // The library leaves one place free. All of a text has to be in one batch, or its mean would be that of its end.
    const size = contextTokens + 1;
    const context = await model.createEmbeddingContext({ contextSize: size, batchSize: size, threads, createSignal });
    return new LlamaEmbedder(context, contextTokens);
  }

  /** Numbers of a vector. */
  get size(): number {
    return this.#context.model.embeddingVectorSize;
  }

  /** As `Embedder.embed`. `check` throws when nobody wants it any more. */
  async *embed(texts: readonly string[], check: () => void): AsyncGenerator<TextVector, void, undefined> {
    for (const text of texts) {
      check();
      yield await this.#vector(text, check);
    }
  }

  async close(): Promise<void> {
    await this.#context.dispose();
  }

  async #vector(text: string, check: () => void): Promise<TextVector> {
    const { model } = this.#context;
    const tokens = await tokensOf(text, this.contextTokens, (part) => model.tokenize(part, false), check);
    if (typeof tokens === 'number') throw tooLong(`more than ${tokens.toLocaleString('en')}`, this.contextTokens);
    if (tokens.length === 0)
      throw new MeshError('empty_prompt', 'A text with nothing in it has no vector. Leave it out.');
    const promptTokens = this.#context.calculateInputLength(tokens);
    if (promptTokens > this.contextTokens) throw tooLong(promptTokens.toLocaleString('en'), this.contextTokens);
    try {
      const { vector } = await this.#context.getEmbeddingFor(tokens);
      check();
      return { vector: unitVector(vector), promptTokens };
    } catch (thrown) {
      check();
      throw asMeshError(thrown, 'engine_failed', 'llama.cpp failed at this text. Try again; a shorter one may help.');
    }
  }
}

function tooLong(tokens: string, most: number): MeshError {
  return new MeshError(
    'prompt_too_long',
    `A text takes ${tokens} tokens; the model reads at most ${most.toLocaleString('en')} at once. Split it.`,
  );
}
