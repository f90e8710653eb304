/** Turns texts into vectors with a llama.cpp context that is made for that: one text after another, each in one go. */
import type { LlamaEmbeddingContext, LlamaModel } from 'node-llama-cpp';
import type { TextVector } from '@llmesh/core/engine/engine';
import { asMeshError, cancelled, MeshError } from '@llmesh/core/base/errors';
import { unitVector } from '@llmesh/core/wire/vector';
import type { DutyCycle } from './context/duty-cycle.ts';
import { tokensOf } from './answer/prompt-tokens.ts';

export interface LlamaEmbedderOptions {
  /** The length of the longest text, with what the model puts around it. */
  contextTokens: number;
  threads: number;
  /** Keeps it to a share of the time; null: it may have all of it. */
  duty: DutyCycle | null;
}

export class LlamaEmbedder {
  readonly contextTokens: number;
  readonly #context: LlamaEmbeddingContext;
  readonly #duty: DutyCycle | null;

  constructor(context: LlamaEmbeddingContext, { contextTokens, duty }: LlamaEmbedderOptions) {
    this.#context = context;
    this.contextTokens = contextTokens;
    this.#duty = duty;
  }

  static async open(
    model: LlamaModel,
    options: LlamaEmbedderOptions,
    createSignal: AbortSignal,
  ): Promise<LlamaEmbedder> {
    // The library leaves one place free. All of a text has to be in one batch, or its mean would be that of its end.
    const size = options.contextTokens + 1;
    const { threads } = options;
    const context = await model.createEmbeddingContext({ contextSize: size, batchSize: size, threads, createSignal });
    return new LlamaEmbedder(context, options);
  }

  /** How many numbers a vector has. */
  get size(): number {
    return this.#context.model.embeddingVectorSize;
  }

  /** See `Embedder.embed`. */
  async *embed(texts: readonly string[], signal: AbortSignal): AsyncGenerator<TextVector, void, undefined> {
    for (const text of texts) yield await this.#vector(text, signal);
  }

  async close(): Promise<void> {
    await this.#context.dispose();
  }

  async #vector(text: string, signal: AbortSignal): Promise<TextVector> {
    const check = () => {
      if (signal.aborted) throw cancelled();
    };
    check();
    const { model } = this.#context;
    const tokens = await tokensOf(text, this.contextTokens, (part) => model.tokenize(part, false), check);
    if (typeof tokens === 'number') throw tooLong(`more than ${tokens.toLocaleString('en')}`, this.contextTokens);
    if (tokens.length === 0) throw new MeshError('empty_prompt', 'An empty text has no vector. Leave it out.');
    const promptTokens = this.#context.calculateInputLength(tokens);
    if (promptTokens > this.contextTokens) throw tooLong(promptTokens.toLocaleString('en'), this.contextTokens);
    try {
      const compute = () => this.#context.getEmbeddingFor(tokens);
      const { vector } = await (this.#duty === null ? compute() : this.#duty.step(compute, signal));
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
