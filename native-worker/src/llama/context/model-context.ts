/** One llama.cpp context and its sequences: for the model as it is, or for it with an adapter. */
import path from 'node:path';
import {
  InsufficientMemoryError,
  type LlamaContext,
  type LlamaContextOptions,
  type LlamaModel,
  type Token,
} from 'node-llama-cpp';
import { asMeshError, cancelled, MeshError } from '@llmesh/core/base/errors';
import { gatherSequences } from './batching.ts';
import type { DutyCycle } from './duty-cycle.ts';
import { fileVersion } from '../../files/file-version.ts';
import { CHUNK, type Reading, type AnswerSequence } from './answer-sequence.ts';
import { SequencePool } from './sequence-pool.ts';
import { tellOdds } from './token-odds.ts';
import type { AdapterFile } from '../../models/adapter-file.ts';

/** A token that every vocabulary has. */
const SOME_TOKEN = 0 as Token;

export interface ContextSize {
  slots: number;
  /** The length of one answer with its question. */
  contextTokens: number;
  threads: LlamaContextOptions['threads'];
}

/** An answer on its sequence. */
export interface HeldSequence {
  sequence: AnswerSequence;
  end: () => void;
  /** Whether others wait for a sequence. */
  isWanted: () => boolean;
}

export class ModelContext {
  readonly #context: LlamaContext;
  readonly #pool: SequencePool;
  readonly #active: { answers: number };
  readonly #unload: () => Promise<void>;

  constructor(context: LlamaContext, active: { answers: number }, duty: DutyCycle | null, unload = async () => {}) {
    this.#context = context;
    this.#pool = new SequencePool(context, duty);
    this.#active = active;
    this.#unload = unload;
  }

  get contextTokens(): number {
    return this.#context.contextSize;
  }

  /** Waits for a free sequence. `isAnswer`: the others wait for its steps, to take theirs together. Rejects with cancelled. */
  async hold(reading: Reading, signal: AbortSignal, isAnswer = true): Promise<HeldSequence> {
    const sequence = await this.#pool.take(reading, signal);
    const counted = isAnswer ? 1 : 0;
    this.#active.answers += counted;
    const end = () => {
      this.#active.answers -= counted;
      this.#pool.give(sequence);
    };
    return { sequence, end, isWanted: () => this.#pool.isWanted };
  }

  /** Waits for the step that is being computed. Leaves nothing in memory. */
  async close(): Promise<void> {
    await this.#context.dispose();
    await this.#unload();
  }
}

/** Throws what the library throws. */
export async function openContext(
  model: LlamaModel,
  size: ContextSize,
  duty: DutyCycle | null,
  signal: AbortSignal,
): Promise<ModelContext> {
  const active = { answers: 0 };
  return new ModelContext(await createContext(model, size, active, signal), active, duty);
}

/** Throws cancelled; or out_of_memory, model_integrity or engine_failed, for the one who asked for it. */
export async function openAdapterContext(
  model: LlamaModel,
  file: AdapterFile,
  size: ContextSize,
  duty: DutyCycle | null,
  signal: AbortSignal,
): Promise<ModelContext> {
  if ((await fileVersion(file.path)) !== file.version) {
    throw new MeshError('model_integrity', `The adapter ${file.name} has changed since it was offered.`);
  }
  const active = { answers: 0 };
  const unload = () => unloadAdapter(model, file.path);
  try {
    const created = await createContext(model, size, active, signal, file.path);
    const context = new ModelContext(created, active, duty, unload);
    try {
      await computeOnce(context, signal);
      return context;
    } catch (thrown) {
      await context.close();
      throw thrown;
    }
  } catch (thrown) {
    await unload();
    if (signal.aborted) throw cancelled();
    if (thrown instanceof InsufficientMemoryError) {
      throw new MeshError('out_of_memory', 'There is not enough free memory for this adapter. Ask again later.', {
        cause: thrown,
      });
    }
    throw asMeshError(thrown, 'engine_failed', `The adapter ${file.name} cannot be loaded. Ask another volunteer.`);
  }
}

async function createContext(
  model: LlamaModel,
  { slots, contextTokens, threads }: ContextSize,
  active: { answers: number },
  signal: AbortSignal,
  adapter?: string,
): Promise<LlamaContext> {
  const context = await model.createContext({
    sequences: slots,
    contextSize: contextTokens,
    ...(threads !== undefined && { threads }),
    batchSize: CHUNK * slots,
    batching: gatherSequences(() => active.answers),
    createSignal: signal,
    ...(adapter !== undefined && { lora: { adapters: [{ filePath: adapter }] } }),
  });
  tellOdds(context, model);
  return context;
}

/**
 * With the first step after an adapter was set, llama.cpp plans how it computes, for all adapters of the model: no other may
 * come or go meanwhile. And one that does not compute is found out before anybody waits for its words.
 */
async function computeOnce(context: ModelContext, signal: AbortSignal): Promise<void> {
  const { sequence, end } = await context.hold({ tokens: [SOME_TOKEN], requester: null, open: 0, exact: true }, signal);
  try {
    await sequence.step(() => sequence.llama.evaluateWithoutGeneratingNewTokens([SOME_TOKEN]));
    await sequence.forget();
  } finally {
    end();
  }
}

/** The library keeps an adapter as long as its model, in a map of its own; there is no other way to get rid of it. */
async function unloadAdapter(model: LlamaModel, file: string): Promise<void> {
  const kept: unknown = Reflect.get(model, '_loraAdapters');
  if (!(kept instanceof Map)) return;
  const name = path.resolve(file);
  const weights: unknown = kept.get(name);
  kept.delete(name);
  if (isDisposable(weights)) await weights.dispose();
}

function isDisposable(value: unknown): value is { dispose(): Promise<void> } {
  return typeof value === 'object' && value !== null && 'dispose' in value && typeof value.dispose === 'function';
}
