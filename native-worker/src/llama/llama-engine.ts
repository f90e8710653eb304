/** The engine ports on llama.cpp: any GGUF file, several answers at once, or vectors where the file is made for them. */
import type { Llama, LlamaModel } from 'node-llama-cpp';
import type {
  Embedder,
  Engine,
  Finish,
  GenerateRequest,
  LoadedModel,
  LoadProgress,
  Piece,
  TextVector,
} from '@llmesh/core/engine/engine';
import { cancelled, MeshError } from '@llmesh/core/base/errors';
import { adapterCapacityOf, Adapters } from './adapters.ts';
import { readAsked } from './answer/asked.ts';
import { rendererOf } from './answer/chat-renderer.ts';
import { planDraft, type Draft, type DraftChoice } from './draft/draft.ts';
import { allThreads } from './draft/draft-model.ts';
import { checkGgufFile } from '../models/gguf-file.ts';
import { readGgufInfo } from '../models/gguf-info.ts';
import { isEmbedder } from './context/gguf-pooling.ts';
import type { DutyCycle } from './context/duty-cycle.ts';
import { ggufSampling } from './sampling/gguf-sampling.ts';
import { LlamaEmbedder } from './llama-embedder.ts';
import { backendOf, defaultThreads, openLlama, probeLlama, type GpuChoice } from './context/llama-device.ts';
import { loadError } from './context/load-error.ts';
import { readMachine } from './context/machine.ts';
import { planModel, useMmap } from './context/model-plan.ts';
import { planWith } from './adapter-plan.ts';
import { openAdapterContext, openContext } from './context/model-context.ts';
import { CHUNK } from './context/answer-sequence.ts';
import { ABILITIES } from '@llmesh/core/wire/model-advert';
import { FUNCTIONS, writtenAnswer, type ChatModel } from './written-answer.ts';
import { AnswerScorer } from './score/answer-scorer.ts';
import type { LentAdapters } from '../models/adapter-file.ts';
import type { Scores } from '@llmesh/core/proof/score';
import type { Probe } from '@llmesh/core/policy/catalogue';

const NO_ADAPTERS: LentAdapters = { files: [] };

export interface LlamaModelFile {
  path: string;
  /** Default: one less than the number of cores. */
  threads?: number;
  gpu?: GpuChoice;
  /** The context of one answer with its question. Default: `usualContextTokens`, or less where memory is short. */
  contextTokens?: number;
  /** Default: what the model was trained with, at most 8,192. */
  usualContextTokens?: number;
  /** Answers at once. Default: as many as memory allows, at most 8 on a graphics card and 4 elsewhere. */
  slots?: number;
  /** Left out: none. */
  adapters?: LentAdapters;
  /** Whether the catalogue names its checksum. Left out: it may come from anywhere. */
  isKnown?: boolean;
  /** What guesses ahead. Left out: nothing. */
  draft?: DraftChoice;
}

export class LlamaEngine implements Engine<LlamaModelFile>, Embedder<LlamaModelFile> {
  onLost: ((error: Error) => void) | null = null;
  #llama: Llama | null = null;
  #threads = defaultThreads();
  /** The model chats; null: it embeds, or none is loaded. */
  #loaded: ChatModel | null = null;
  #embedding: { model: LlamaModel; embedder: LlamaEmbedder } | null = null;
  readonly #scorer = new AnswerScorer();
  readonly #writing = { answers: 0 };
  #memoryBytes = 0;
  #closed = false;
  #closing = new AbortController();
  readonly #readMachine: typeof readMachine;
  readonly #duty: DutyCycle | null;

  constructor(memory: typeof readMachine = readMachine, duty: DutyCycle | null = null) {
    this.#readMachine = memory;
    this.#duty = duty;
  }

  async probe(signal: AbortSignal): Promise<Probe> {
    if (signal.aborted) throw cancelled();
    this.#llama ??= await openLlama('auto', this.#threads);
    return probeLlama(this.#llama, this.#threads);
  }

  async load(
    file: LlamaModelFile,
    onProgress: (progress: LoadProgress) => void,
    signal: AbortSignal,
  ): Promise<LoadedModel> {
    if (signal.aborted) throw cancelled();
    const sizeBytes = await checkGgufFile(file.path);
    await this.#unload();
    this.#threads = file.threads ?? defaultThreads();
    const llama = await openLlama(file.gpu ?? 'auto', this.#threads);
    this.#llama = llama;
    let model: LlamaModel | null = null;
    let draft: Draft | null = null;
    let lent: LentAdapters | null = file.adapters ?? null;
    const capacityFor = (slots: number) => adapterCapacityOf(slots, lent ?? NO_ADAPTERS);
    try {
      const info = await readGgufInfo(file.path, signal);
      const embeds = isEmbedder(info);
      const draftPlan = file.draft === undefined ? null : await planDraft(file.draft, info, llama, signal);
      const plan = {
        contextTokens: file.contextTokens ?? null,
        usualContextTokens: file.usualContextTokens ?? null,
        slots: embeds ? 1 : (file.slots ?? null),
        machine: await this.#readMachine(llama, 'free'),
        chunkTokens: embeds ? null : CHUNK,
        ...(draftPlan?.info != null && { draft: draftPlan.info }),
      };
      const { layout, hasAdapters } = await planWith(lent, (adapters) =>
        planModel(llama, info, { ...plan, ...adapters }),
      );
      if (!hasAdapters) lent = null;
      const { gpuLayers, contextTokens, slots } = layout;
      this.#memoryBytes = layout.memoryBytes;
      const loading = await llama.loadModel({
        modelPath: file.path,
        useMmap: useMmap(llama),
        ...(llama.gpu !== false && { gpuLayers }),
        loadSignal: signal,
        onLoadProgress: (share) =>
          onProgress({ phase: 'start', loadedBytes: Math.round(share * sizeBytes), totalBytes: sizeBytes }),
      });
      model = loading;
      if (embeds) {
        const embedder = await LlamaEmbedder.open(
          model,
          { contextTokens, threads: this.#threads, duty: this.#duty },
          signal,
        );
        this.#embedding = { model, embedder };
        const backend = backendOf(llama);
        return { contextTokens, backend, slots, continues: 'none', replays: false, embeds: embedder.size };
      }
      const threads = draftPlan === null ? this.#threads : allThreads(this.#threads);
      const size = { slots, contextTokens, threads };
      const context = await openContext(loading, size, this.#duty, signal);
      const smaller = { ...size, slots: capacityFor(slots).slots, contextTokens: context.contextTokens };
      draft = (await draftPlan?.open(layout, this.#threads, signal)) ?? null;
      const { bosString, eosString } = loading.tokens;
      const tokens = { bos: bosString ?? '', eos: eosString ?? '' };
      const chat = await rendererOf(info.metadata.tokenizer?.chat_template, file.isKnown === true, tokens);
      this.#loaded = {
        model,
        context,
        draft,
        adapters: new Adapters(lent ?? NO_ADAPTERS, (one, closing) =>
          openAdapterContext(loading, one, smaller, this.#duty, closing),
        ),
        contextTokens: context.contextTokens,
        chat,
        defaults: ggufSampling(model.fileInfo),
      };
      return {
        contextTokens: context.contextTokens,
        backend: backendOf(llama),
        slots,
        continues: 'ids',
        replays: true,
        replayable: 'seed',
        abilities: ABILITIES.filter((ability) => ability !== 'thinking' || chat.traits.thinks),
        ...(lent !== null && { adapterCapacity: capacityFor(slots) }),
      };
    } catch (thrown) {
      await draft?.close();
      await model?.dispose();
      throw signal.aborted ? cancelled() : loadError(thrown, file.path);
    }
  }

  async *generate(request: GenerateRequest, signal: AbortSignal): AsyncGenerator<Piece, Finish, undefined> {
    const { loaded, ...waiting } = this.#begin(signal);
    const recover = (forget: () => Promise<void>, failure: unknown) => this.#recover(forget, failure);
    return yield* writtenAnswer(loaded, request, { ...waiting, writing: this.#writing, recover });
  }

  async score(request: GenerateRequest, tokenIds: readonly number[], signal: AbortSignal): Promise<Scores> {
    const { loaded, check, waits } = this.#begin(signal);
    const asked = await readAsked(loaded, request, tokenIds.length, { forms: FUNCTIONS, waits, check });
    if (asked.before.length + tokenIds.length > loaded.contextTokens) {
      throw new MeshError('prompt_too_long', 'This answer is longer than the model can read here.');
    }
    const { adapter } = request;
    return this.#scorer.score({
      ...loaded,
      request,
      asked,
      tokenIds,
      hold: (reading) =>
        adapter === undefined
          ? loaded.context.hold(reading, waits, false)
          : loaded.adapters.sit(adapter, reading, waits, false),
      isBusy: () => this.#writing.answers > 0,
      recover: (forget, failure) => this.#recover(forget, failure),
      check,
      signal: waits,
    });
  }

  async *embed(texts: readonly string[], signal: AbortSignal): AsyncGenerator<TextVector, void, undefined> {
    if (this.#embedding === null) throw new MeshError('engine_failed', 'No model that embeds is loaded.');
    yield* this.#embedding.embedder.embed(texts, AbortSignal.any([signal, this.#closing.signal]));
  }

  /** How many guesses the draft has made, and how many of them the model would have written itself. */
  get guesses(): { guessed: number; taken: number } {
    return this.#loaded?.draft?.count ?? { guessed: 0, taken: 0 };
  }

  /** How much of the computer's own memory the plan gave to the model that was loaded last. */
  get memoryBytes(): number {
    return this.#memoryBytes;
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#closing.abort();
    await this.#unload();
  }

  /** Throws cancelled, or engine_failed where no model that chats is loaded. */
  #begin(signal: AbortSignal): { loaded: ChatModel; waits: AbortSignal; check: () => void } {
    const loaded = this.#loaded;
    if (loaded === null) throw new MeshError('engine_failed', 'No model is loaded.');
    const waits = AbortSignal.any([signal, this.#closing.signal]);
    const check = () => {
      if (waits.aborted) throw cancelled();
    };
    check();
    return { loaded, waits, check };
  }

  async #unload(): Promise<void> {
    const loaded = this.#loaded;
    const embedding = this.#embedding;
    const llama = this.#llama;
    this.#loaded = null;
    this.#embedding = null;
    this.#llama = null;
    // Each close waits for the step that is being computed.
    await loaded?.draft?.close();
    await loaded?.adapters.close();
    await loaded?.context.close();
    await loaded?.model.dispose();
    await embedding?.embedder.close();
    await embedding?.model.dispose();
    await llama?.dispose();
  }

  /**
   * After a failed step the sequence is in doubt. One that cannot even be emptied is gone, and the engine with it. Throws
   * cancelled where the engine was closed meanwhile.
   */
  async #recover(forget: () => Promise<void>, failure: unknown): Promise<void> {
    if (this.#closed) throw cancelled();
    try {
      await forget();
    } catch {
      const tell = this.onLost;
      this.onLost = null;
      tell?.(failure instanceof Error ? failure : new Error(String(failure)));
    }
  }
}
