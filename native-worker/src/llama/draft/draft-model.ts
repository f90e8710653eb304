/** A small model beside the large one, with the same vocabulary: it guesses what it would write itself. */
import type { Llama, LlamaContext, LlamaContextSequence, LlamaModel, Token } from 'node-llama-cpp';
import { gatherSequences } from '../context/batching.ts';
import type { Guesser } from './guesser.ts';
import { useMmap } from '../context/model-plan.ts';
import { CHUNK, sharedLength } from '../context/answer-sequence.ts';

export interface DraftModelOptions {
  path: string;
  gpuLayers: number;
  contextTokens: number;
  slots: number;
  threads: number;
  /** The size of the large model's vocabulary, which has no token beyond it. */
  vocabulary: number;
  signal: AbortSignal;
}

export class DraftModel {
  readonly #model: LlamaModel;
  readonly #context: LlamaContext;
  readonly #guessings: Guessing[];

  private constructor(model: LlamaModel, context: LlamaContext, vocabulary: number) {
    this.#model = model;
    this.#context = context;
    this.#guessings = Array.from(
      { length: context.totalSequences },
      () => new Guessing(context.getSequence(), vocabulary),
    );
  }

  static async open(llama: Llama, options: DraftModelOptions): Promise<DraftModel> {
    const { path, gpuLayers, contextTokens, slots, threads, vocabulary, signal } = options;
    const model = await llama.loadModel({
      modelPath: path,
      useMmap: useMmap(llama),
      loadSignal: signal,
      ...(llama.gpu !== false && { gpuLayers }),
    });
    try {
      const context = await model.createContext({
        sequences: slots,
        contextSize: contextTokens,
        batchSize: CHUNK * slots,
        createSignal: signal,
        threads: allThreads(threads),
        batching: gatherSequences(() => 1),
      });
      return new DraftModel(model, context, vocabulary);
    } catch (thrown) {
      await model.dispose();
      throw thrown;
    }
  }

  /** The guesser for the answer at this place; only one may ask it at a time. */
  at(place: number, requester: string | null): Guesser {
    return {
      guess: async (tokens, most, check) => (await this.#guessings[place]?.guess(tokens, most, requester, check)) ?? [],
    };
  }

  async close(): Promise<void> {
    await this.#context.dispose();
    await this.#model.dispose();
  }
}

/**
 * Two contexts take turns, and each needs all threads for its turn: the library would halve them, since it frees a
 * context's share only some time after its step.
 */
export function allThreads(threads: number): { ideal: number; min: number } {
  return { ideal: threads, min: threads };
}

/** The draft's own sequence for a place: like the model's sequence there it remembers the conversation for its next turn. */
class Guessing {
  readonly #sequence: LlamaContextSequence;
  readonly #vocabulary: number;
  /** Whose words it holds; undefined: nobody's, or that is in doubt. */
  #requester: string | null | undefined;

  constructor(sequence: LlamaContextSequence, vocabulary: number) {
    this.#sequence = sequence;
    this.#vocabulary = vocabulary;
  }

  async guess(tokens: readonly Token[], most: number, requester: string | null, check: () => void): Promise<Token[]> {
    const sequence = this.#sequence;
    if (tokens.length + most >= sequence.contextSize) return [];
    // How fast a guess comes must not tell what another has asked.
    const own = requester === this.#requester;
    this.#requester = undefined;
    let at = own ? Math.min(sharedLength(sequence.contextTokens, tokens), tokens.length - 1) : 0;
    if (own) await sequence.adaptStateToTokens(tokens.slice(0, at), false);
    else await sequence.clearHistory();
    for (; tokens.length - at > CHUNK; at += CHUNK) {
      await sequence.evaluateWithoutGeneratingNewTokens(tokens.slice(at, at + CHUNK));
      check();
    }
    const guesses: Token[] = [];
    // It guesses the likeliest token: no other is written more often, whatever the temperature.
    for await (const token of sequence.evaluate(tokens.slice(at), { temperature: 0 })) {
      if (token >= this.#vocabulary) break;
      guesses.push(token);
      if (guesses.length === most) break;
    }
    this.#requester = requester;
    return guesses;
  }
}
