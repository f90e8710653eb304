/** MLC models through web-llm on WebGPU: the main engine of the browser. */
import type { CatalogueModel } from '@llmesh/core/policy/catalogue';
import type { Finish, GenerateRequest, LoadedModel } from '@llmesh/core/engine/engine';
import { cancelled, MeshError } from '@llmesh/core/base/errors';
import type { PeerId } from '@llmesh/core/base/ids';
import type { Scores } from '@llmesh/core/proof/score';
import { DRAWS_BYTES, seededDraws } from '@llmesh/core/proof/seeds';
import { recommendedSampling } from '@llmesh/core/engine/recommended-sampling';
import type { PlainTurn } from '@llmesh/core/syntax/plain-turns';
import { MLCEngine, type ChatCompletionChunk, type Completion, type CompletionChoice } from '@mlc-ai/web-llm';
import type { Adapter, OnPiece, OnProgress, Drained } from '../common/adapter.ts';
import type { EngineSettings } from '../../state/device/engine-settings.ts';
import { MlcAnswer } from './mlc-answer.ts';
import { hasModel, numbersOf, pipelineOf, type MlcPipeline } from './mlc-pipeline.ts';
import { keptTemplate, type MlcTemplate } from './mlc-prompt.ts';
import { betweenTurns, promptIds, readChat, readThese } from './mlc-reading.ts';
import { forgetSmallFiles } from './mlc-record.ts';
import type { MlcSource } from './mlc-source.ts';
import { mlcTurns } from './mlc-turns.ts';
import { readAnswer, readerOf, type Reader } from './mlc-scoring.ts';
import { ScoreSheet } from './score-sheet.ts';
import { Choice } from './choice.ts';
import { mlcFolder } from '../common/model-url.ts';
import { probeBrowser } from '../common/probe.ts';
import { samplingFor } from '../common/sampling.ts';
import { WakingProgress } from './waking-progress.ts';
import {
  deviceLost,
  generateError,
  halfPrecisionAbsent,
  loadError,
  webGpuAbsent,
  webGpuGone,
} from './web-llm-errors.ts';

interface Loaded {
  engine: MLCEngine;
  /** Its name in web-llm. */
  id: string;
  model: CatalogueModel;
  pipeline: MlcPipeline;
  reader: Reader;
  /** null: this model cannot continue an answer that was begun elsewhere. */
  template: MlcTemplate | null;
}

interface Kept {
  requester: PeerId | undefined;
  /** What stands between the answer and the next turn, in tokens: web-llm forgets it when it goes on. */
  between: readonly number[];
}

export class WebLlmEngine<M extends CatalogueModel> implements Adapter<M> {
  onLost: ((error: MeshError) => void) | null = null;
  readonly #source: MlcSource<M>;
  #loaded: Loaded | null = null;
  /** The conversation that web-llm keeps in its cache, and could go on from there. */
  #kept: Kept | null = null;

  constructor(source: MlcSource<M>) {
    this.#source = source;
  }

  async load(model: M, settings: EngineSettings, onProgress: OnProgress, signal: AbortSignal): Promise<LoadedModel> {
    const probe = await probeBrowser();
    if (probe.backend !== 'webgpu') throw settings.hadGpu ? webGpuGone() : webGpuAbsent();
    if (model.format === 'mlc' && model.f16 && !probe.f16) throw halfPrecisionAbsent();
    const { record, totalBytes: total, read } = await this.#source(model, settings, onProgress, signal);
    onProgress({ phase: 'start', loadedBytes: 0, totalBytes: total });
    const waking = new WakingProgress();
    const engine = new MLCEngine({
      appConfig: { model_list: [record], cacheBackend: 'cache' },
      initProgressCallback: ({ progress }) =>
        onProgress({ phase: 'start', loadedBytes: Math.round(waking.take(progress) * total), totalBytes: total }),
      logLevel: 'SILENT',
    });
    endsWithItsCard(engine);
    try {
      await engine.reload(record.model_id);
    } catch (cause) {
      const error = loadError(cause, mlcFolder(record.model));
      if (error.code === 'model_integrity' || error.code === 'model_wrong_library') await forgetSmallFiles(record);
      throw error;
    }
    if (signal.aborted) throw cancelled();
    const pipeline = pipelineOf(engine, record.model_id);
    const template = await keptTemplate(mlcFolder(record.model));
    await read();
    const loaded: Loaded = { engine, id: record.model_id, model, pipeline, reader: readerOf(pipeline), template };
    this.#loaded = loaded;
    void pipeline.tvm.lib.webGPUContext.device.lost.then(() => this.#lost(loaded, deviceLost()));
    return {
      contextTokens: record.overrides?.context_window_size ?? model.contextTokens,
      backend: 'webgpu',
      slots: 1,
      continues: template === null ? 'none' : 'text',
      replays: false,
      replayable: 'seed',
      // Without the template, nobody here knows what the answer was written to.
      ...(template !== null && { abilities: ['audit'] as const }),
    };
  }

  async generate(request: GenerateRequest, onPiece: OnPiece, drained: Drained, signal: AbortSignal): Promise<Finish> {
    const loaded = this.#running();
    const { engine, pipeline } = loaded;
    return await this.#atWork(loaded, signal, async () => {
      // What web-llm keeps of one requester's conversation must not make another's begin sooner.
      const kept = this.#kept?.requester === request.requester ? this.#kept : null;
      if (kept === null) await engine.resetChat();
      this.#kept = null;
      const { chunks, turnTokens, chat } = await begun(loaded, request, kept);
      const answer = new MlcAnswer(pipeline, turnTokens, onPiece);
      for await (const chunk of chunks) {
        if (signal.aborted) break;
        const [choice] = chunk.choices;
        // The chunk with web-llm's own counts.
        if (choice === undefined) continue;
        if (!answer.take(textOf(choice))) break;
        if (choice.finish_reason !== null) answer.ends(choice.finish_reason === 'length' ? 'length' : 'stop');
        // The next piece is computed when it is asked for.
        await drained();
      }
      if (signal.aborted) throw cancelled();
      const { finish } = answer;
      if (finish.finish === 'stop' && chat !== null) this.#keep(loaded, request.requester, chat);
      return finish;
    });
  }

  async score(request: GenerateRequest, tokenIds: readonly number[], signal: AbortSignal): Promise<Scores> {
    const loaded = this.#running();
    const { model, pipeline, template } = loaded;
    if (template === null || isUnjudged(request)) throw cannotJudge();
    const { turns, prefix } = promptIds(pipeline, template, request);
    const sampling = samplingFor(recommendedSampling(model.parameters), request.sampling);
    const draws = drawsFor(request);
    const mode = sampling.temperature === 0 ? 'greedy' : draws === null ? 'likelihood' : 'seed';
    const choice = new Choice(sampling, draws ?? new Uint8Array(DRAWS_BYTES));
    const sheet = new ScoreSheet(mode, choice, request.prefix?.tokens ?? 0, tokenIds.length);
    this.#kept = null;
    return await this.#atWork(loaded, signal, async () => {
      const real = possible(pipeline, tokenIds);
      await readAnswer(pipeline, [...turns, ...prefix], real, sheet, loaded.reader, signal);
      return sheet.scores(turns.length, pipeline.tokenizer.decode(Int32Array.from(real)));
    });
  }

  #keep({ pipeline, template }: Loaded, requester: PeerId | undefined, chat: readonly PlainTurn[]): void {
    // Nobody can check what a model without a template answers; it goes on as web-llm does.
    const between = template === null ? [] : betweenTurns(pipeline, template, chat, pipeline.outputMessage);
    this.#kept = between === null ? null : { requester, between };
  }

  #running(): Loaded {
    if (this.#loaded === null) throw new MeshError('engine_failed', 'No model is loaded. Start again.');
    return this.#loaded;
  }

  async #atWork<T>(loaded: Loaded, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (cause) {
      if (signal.aborted) throw cancelled();
      const error = generateError(cause);
      if (error.code !== 'device_lost' && (await stillThere(loaded))) throw error;
      const lost = deviceLost(cause);
      this.#lost(loaded, lost);
      throw lost;
    }
  }

  async close(): Promise<void> {
    const loaded = this.#loaded;
    this.#loaded = null;
    await loaded?.engine.unload();
  }

  #lost(loaded: Loaded, error: MeshError): void {
    if (this.#loaded !== loaded) return;
    this.#loaded = null;
    this.onLost?.(error);
  }
}

interface Begun {
  chunks: AsyncIterable<ChatCompletionChunk | Completion>;
  /** The tokens of the turns, where the prompt holds more than them. */
  turnTokens: number | null;
  /** A chat that web-llm could go on with; null: it was given a bare text. */
  chat: readonly PlainTurn[] | null;
}

/** The answer as web-llm writes it. */
async function begun(
  { engine, model, pipeline, template }: Loaded,
  request: GenerateRequest,
  kept: Kept | null,
): Promise<Begun> {
  const settings = { stream: true, max_tokens: request.maxTokens } as const;
  const draws = drawsFor(request) ?? crypto.getRandomValues(new Uint8Array(DRAWS_BYTES));
  drawHere(
    pipeline,
    new Choice(samplingFor(recommendedSampling(model.parameters), request.sampling), draws),
    request.prefix?.tokens ?? 0,
  );
  const { asked, begun: own } = mlcTurns(request.turns);
  if (own === '' && request.prefix === undefined) {
    readChat(pipeline, kept?.between ?? []);
    const chunks = await engine.chat.completions.create({ ...settings, messages: asked });
    return { chunks, turnTokens: null, chat: asked };
  }
  if (template === null) throw cannotContinue();
  // A chat may not end in the assistant's words, but a bare text may.
  const { turns, prefix } = promptIds(pipeline, template, request);
  readThese(pipeline, [...turns, ...prefix]);
  const chunks = await engine.completions.create({ ...settings, prompt: '' });
  return { chunks, turnTokens: request.prefix === undefined ? null : turns.length, chat: null };
}

/**
 * Unloading waits for the card to finish. One that is lost has nothing to finish, and must not stop the next start; nor does anybody
 * listen where web-llm unloads itself, because it lost its device.
 */
function endsWithItsCard(engine: MLCEngine): void {
  const unload = engine.unload.bind(engine);
  engine.unload = async () => {
    try {
      await unload();
    } catch (cause) {
      const error = generateError(cause);
      if (error.code !== 'device_lost') throw error;
    }
  };
}

/** Null: nobody can draw the same again. */
function drawsFor({ draws, sampling: { seed } }: GenerateRequest): Uint8Array | null {
  return draws ?? (seed === undefined ? null : seededDraws(seed));
}

/**
 * Chooses the tokens in place of web-llm, whose own sampler can repeat an answer only from its first token on, and sorts the
 * whole vocabulary for each. `before`: how many tokens of the answer were written elsewhere.
 */
function drawHere(pipeline: MlcPipeline, choice: Choice, before: number): void {
  pipeline.sampleFromRawLogits = async (onCard) =>
    choice.token(await numbersOf(pipeline, onCard), before + pipeline.outputIds.length);
}

/** Whether the device works and web-llm still has its model: when it loses one, it names the failure in many ways. */
async function stillThere({ engine, id, pipeline }: Loaded): Promise<boolean> {
  const { device } = pipeline.tvm.lib.webGPUContext;
  const lost = device.lost.then(() => true);
  const works = device.queue.onSubmittedWorkDone().then(
    () => false,
    () => true,
  );
  return !(await Promise.race([lost, works])) && hasModel(engine, id);
}

function cannotContinue(): MeshError {
  return new MeshError(
    'engine_failed',
    'This model cannot continue an answer that was begun elsewhere. Ask again, and it answers from the start.',
  );
}

/** What web-llm here does not do, and therefore cannot do again. */
function isUnjudged({ task, schema, tools, adapter, sampling }: GenerateRequest): boolean {
  const { presencePenalty = 0, frequencyPenalty = 0, repeatPenalty = 1, logitBias = [] } = sampling;
  const penalized = presencePenalty !== 0 || frequencyPenalty !== 0 || repeatPenalty !== 1 || logitBias.length > 0;
  return penalized || task === 'completion' || schema !== undefined || tools !== undefined || adapter !== undefined;
}

/** What comes before the first id that is no token, or that ends an answer: behind it there is nothing to read. */
function possible({ fullVocabSize, stopTokens }: MlcPipeline, tokenIds: readonly number[]): readonly number[] {
  const end = tokenIds.findIndex(
    (id) => !(Number.isInteger(id) && id >= 0 && id < fullVocabSize) || stopTokens.includes(id),
  );
  return end === -1 ? tokenIds : tokenIds.slice(0, end);
}

function cannotJudge(): MeshError {
  return new MeshError(
    'unsupported',
    'This model does not do here what the answer was asked for. Ask another auditor.',
  );
}

function textOf(choice: ChatCompletionChunk.Choice | CompletionChoice): string {
  return 'delta' in choice ? (choice.delta.content ?? '') : choice.text;
}
