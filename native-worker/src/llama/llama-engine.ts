/** The engine ports on llama.cpp: any GGUF file, several answers at once, or vectors where the file is made for them. */
import type { Llama, LlamaModel, Token } from 'node-llama-cpp';
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
import { asMeshError, cancelled, MeshError } from '@llmesh/core/base/errors';
import type { RecommendedSampling } from '@llmesh/core/engine/recommended-sampling';
import { adapterBytes, adapterCapacityOf, Adapters } from './adapters.ts';
import { AnswerClosing } from './answer/answer-closing.ts';
import { steered } from './answer/answer-course.ts';
import { AnswerDraws, drawsFor } from './sampling/draws.ts';
import { readAsked } from './answer/asked.ts';
import { openCourse } from './answer/open-course.ts';
import { AnswerPieces, noting, type Step } from './answer/answer-pieces.ts';
import { syntaxName } from '@llmesh/core/syntax/syntaxes';
import { rendererOf } from './answer/chat-renderer.ts';
import { contained } from '../contained/contained.ts';
import { FunctionForms } from '../contained/function-forms.ts';
import { GrammarTrial } from '../contained/grammar-trial.ts';
import { planDraft, type Draft, type DraftChoice } from './draft/draft.ts';
import { allThreads } from './draft/draft-model.ts';
import { evaluateOptions, tokenBiasOf } from './sampling/evaluate-options.ts';
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
import type { PromptReader } from './answer/prompt-tokens.ts';
import { readAhead } from './answer/read-ahead.ts';
import { toldAnswer } from './answer/told-answer.ts';
import { openAdapterContext, openContext, type ModelContext } from './context/model-context.ts';
import { seedSteps } from './sampling/step-seeds.ts';
import { CHUNK, type Reading } from './context/answer-sequence.ts';
import { ABILITIES } from '@llmesh/core/wire/model-advert';
import { AnswerScorer } from './score/answer-scorer.ts';
import type { LentAdapters } from '../models/adapter-file.ts';
import type { Scores } from '@llmesh/core/proof/score';
import type { Probe } from '@llmesh/core/policy/catalogue';

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

/** A question that leaves less than this for the answer is refused. */
const MIN_ANSWER_TOKENS = 32;
/** The length of an answer that comes out the same each time, where it is left to us: a slow computer takes three seconds to write that much again. */
const MAX_REPLAY_TOKENS = 64;
/** A verdict on a grammar holds for every model. */
const GRAMMARS = new GrammarTrial(contained.llama);
const FUNCTIONS = new FunctionForms(contained.llama);

interface Loaded extends PromptReader {
  /** The context of the model as it is. */
  context: ModelContext;
  adapters: Adapters;
  draft: Draft | null;
  defaults: RecommendedSampling;
}

/** llama.cpp takes other tokens in the place of the last. */
type Steps = AsyncGenerator<Step, void, Token[] | undefined>;

export class LlamaEngine implements Engine<LlamaModelFile>, Embedder<LlamaModelFile> {
  onLost: ((error: Error) => void) | null = null;
  #llama: Llama | null = null;
  #threads = defaultThreads();
  /** The model chats; null: it embeds, or none is loaded. */
  #loaded: Loaded | null = null;
  #embedding: { model: LlamaModel; embedder: LlamaEmbedder } | null = null;
  readonly #scorer = new AnswerScorer();
  /** The answers under way, including those with adapters. */
  #writing = 0;
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
    const lent: LentAdapters = file.adapters ?? { files: [] };
    const adapterCapacityFor = (slots: number) => adapterCapacityOf(slots, lent);
    try {
      const info = await readGgufInfo(file.path, signal);
      const embeds = isEmbedder(info);
      const draftPlan = file.draft === undefined ? null : await planDraft(file.draft, info, llama, signal);
      const layout = await planModel(llama, info, {
        contextTokens: file.contextTokens ?? null,
        usualContextTokens: file.usualContextTokens ?? null,
        slots: embeds ? 1 : (file.slots ?? null),
        machine: await this.#readMachine(llama, 'free'),
        chunkTokens: embeds ? null : CHUNK,
        adapters: { capacity: adapterCapacityFor, bytes: adapterBytes(lent) },
        ...(draftPlan?.info != null && { draft: draftPlan.info }),
      });
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
      const smaller = { ...size, slots: adapterCapacityFor(slots).slots, contextTokens: context.contextTokens };
      draft = (await draftPlan?.open(layout, this.#threads, signal)) ?? null;
      const { bosString, eosString } = loading.tokens;
      const tokens = { bos: bosString ?? '', eos: eosString ?? '' };
      const chat = await rendererOf(info.metadata.tokenizer?.chat_template, file.isKnown === true, tokens);
      this.#loaded = {
        model,
        context,
        draft,
        adapters: new Adapters(lent, (one, closing) => openAdapterContext(loading, one, smaller, this.#duty, closing)),
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
        ...(file.adapters !== undefined && { adapterCapacity: adapterCapacityFor(slots) }),
      };
    } catch (thrown) {
      await draft?.close();
      await model?.dispose();
      throw signal.aborted ? cancelled() : loadError(thrown, file.path);
    }
  }

  async *generate(request: GenerateRequest, signal: AbortSignal): AsyncGenerator<Piece, Finish, undefined> {
    const loaded = this.#loaded;
    if (loaded === null) throw new MeshError('engine_failed', 'No model is loaded.');
    const check = () => {
      if (signal.aborted || this.#closed) throw cancelled();
    };
    check();
    const bias = tokenBiasOf(loaded.model, request.sampling);
    const leastAnswer = Math.min(request.maxTokens, MIN_ANSWER_TOKENS);
    const waits = AbortSignal.any([signal, this.#closing.signal]);
    const asked = await readAsked(loaded, request, leastAnswer, { forms: FUNCTIONS, waits, check });
    const { plan, syntax, marks, prompt, open, delivered, before } = asked;
    const { prefix, sampling, logprobs = null } = request;
    const left = loaded.contextTokens - before.length;
    if (left === 0) return { finish: 'length', promptTokens: prompt.length, completionTokens: 0 };
    const maxTokens = Math.min(request.maxTokens, left);
    const greedy = (sampling.temperature ?? loaded.defaults.temperature) === 0;
    const repeats = greedy || sampling.seed !== undefined;
    const replay = prefix?.replay ?? (repeats && delivered.known && delivered.tokens.length <= MAX_REPLAY_TOKENS);
    const exact = repeats || replay;
    const reading: Reading = { tokens: before, requester: request.requester ?? null, open, exact };

    // A token that the model did not choose has no odds to tell.
    const closing =
      plan.schema === null || logprobs !== null
        ? null
        : await AnswerClosing.after(
            { model: loaded.model, schema: plan.schema, syntax },
            prefix?.text ?? '',
            before,
            check,
          );
    if (prefix === undefined) closing?.checkRoom(maxTokens);
    const thinking = closing?.inTime(request.thinking, maxTokens) ?? request.thinking;
    const course = await openCourse(
      { model: loaded.model, plan, syntax, marks, thinking, prompt, delivered: delivered.tokens },
      { trial: GRAMMARS, forms: FUNCTIONS },
      waits,
    );
    const { sequence, end } = await (request.adapter === undefined
      ? loaded.context.hold(reading, waits)
      : loaded.adapters.sit(request.adapter, reading, waits));
    const pieces = new AnswerPieces(loaded.model, before, prompt.length, logprobs, {
      syntax: syntaxName(syntax),
      marks: new Set(marks.values()),
    });
    this.#writing += 1;
    try {
      const rest = replay
        ? await sequence.replay({ ...reading, tokens: prompt }, delivered.tokens, check)
        : await sequence.prefill(reading, check);
      const answered = [...delivered.tokens];
      const first = asked.first - answered.length;
      const { seed } = new AnswerDraws(drawsFor(request), first, answered);
      seedSteps(sequence.llama, seed);
      const options = {
        ...evaluateOptions(sampling, loaded.defaults, bias, sequence.index, answered, answered.length + maxTokens),
        ...(course !== null && { grammarEvaluationState: course.grammar, yieldEogToken: true }),
      };
      // A draft knows the model as it is, cannot tell how likely a word was, and takes no word back.
      const draft = request.adapter === undefined && logprobs === null && course === null ? loaded.draft : null;
      // Either iteration ends on its own at a token that ends the answer.
      const evaluated =
        draft?.write({ sequence, reading, options, seed, maxTokens, check, answers: () => this.#writing }, rest) ??
        sequence.llama.evaluateWithMetadata(rest, { probabilities: logprobs !== null }, options);
      const written = course === null ? noting(evaluated, answered) : steered(evaluated as Steps, course, answered);
      const steps = readAhead(written, maxTokens, (run) => sequence.step(run));
      return { promptTokens: prompt.length, ...(yield* toldAnswer({ steps, pieces, closing, maxTokens, check })) };
    } catch (thrown) {
      if (thrown instanceof MeshError) throw thrown;
      if (this.#closed) throw cancelled();
      await this.#recover(() => sequence.forget(), thrown);
      throw asMeshError(
        thrown,
        'engine_failed',
        'llama.cpp failed at this answer. Try again; a shorter question may help.',
      );
    } finally {
      this.#writing -= 1;
      end();
    }
  }

  async score(request: GenerateRequest, tokenIds: readonly number[], signal: AbortSignal): Promise<Scores> {
    const loaded = this.#loaded;
    if (loaded === null) throw new MeshError('engine_failed', 'No model is loaded.');
    const check = () => {
      if (signal.aborted || this.#closed) throw cancelled();
    };
    check();
    const waits = AbortSignal.any([signal, this.#closing.signal]);
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
      isBusy: () => this.#writing > 0,
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

  /** After a failed step the sequence is in doubt. One that cannot even be emptied is gone, and the engine with it. */
  async #recover(forget: () => Promise<void>, failure: unknown): Promise<void> {
    try {
      await forget();
    } catch {
      const tell = this.onLost;
      this.onLost = null;
      tell?.(failure instanceof Error ? failure : new Error(String(failure)));
    }
  }
}
