/** MLC models through web-llm on WebGPU: the main engine of the browser. */
import type { CatalogueModel } from '@llmesh/core/policy/catalogue';
import type { Finish, GenerateRequest, LoadedModel } from '@llmesh/core/engine/engine';
import { cancelled, MeshError } from '@llmesh/core/base/errors';
import type { PeerId } from '@llmesh/core/base/ids';
import { MLCEngine, type ChatCompletionChunk, type CompletionChoice } from '@mlc-ai/web-llm';
import type { Adapter, OnPiece, OnProgress, Drained } from '../common/adapter.ts';
import type { EngineSettings } from '../../state/device/engine-settings.ts';
import { MlcAnswer } from './mlc-answer.ts';
import { countTokens, hasModel, pipelineOf, type MlcPipeline } from './mlc-pipeline.ts';
import { keptTemplate, mlcPrompt, type MlcTemplate } from './mlc-prompt.ts';
import { forgetSmallFiles } from './mlc-record.ts';
import type { MlcSource } from './mlc-source.ts';
import { mlcTurns } from './mlc-turns.ts';
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
  /** null: this model cannot continue an answer that was begun elsewhere. */
  template: MlcTemplate | null;
}

export class WebLlmEngine<M extends CatalogueModel> implements Adapter<M> {
  onLost: ((error: MeshError) => void) | null = null;
  readonly #source: MlcSource<M>;
  #loaded: Loaded | null = null;
  /** Whose conversation web-llm keeps in its cache. */
  #requester: PeerId | undefined;

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
    const loaded: Loaded = { engine, id: record.model_id, model, pipeline, template };
    this.#loaded = loaded;
    void pipeline.tvm.lib.webGPUContext.device.lost.then(() => this.#lost(loaded, deviceLost()));
    return {
      contextTokens: record.overrides?.context_window_size ?? model.contextTokens,
      backend: 'webgpu',
      slots: 1,
      continues: template === null ? 'none' : 'text',
      replays: false,
    };
  }

  async generate(request: GenerateRequest, onPiece: OnPiece, drained: Drained, signal: AbortSignal): Promise<Finish> {
    const loaded = this.#loaded;
    if (loaded === null) throw new MeshError('engine_failed', 'No model is loaded. Start again.');
    const { engine, pipeline } = loaded;
    try {
      // What web-llm keeps of one requester's conversation must not make another's begin sooner.
      if (request.requester !== this.#requester) await engine.resetChat();
      this.#requester = request.requester;
      const { chunks, turnTokens } = await begun(loaded, request);
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
      return answer.finish;
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
    try {
      await loaded?.engine.unload();
    } catch (cause) {
      // It waits for the card to finish. One that is lost has nothing to finish, and must not stop the next start.
      const error = generateError(cause);
      if (error.code !== 'device_lost') throw error;
    }
  }

  #lost(loaded: Loaded, error: MeshError): void {
    if (this.#loaded !== loaded) return;
    this.#loaded = null;
    this.onLost?.(error);
  }
}

/** The answer as web-llm writes it, and the tokens of the turns where its prompt holds more than them. */
async function begun({ engine, model, pipeline, template }: Loaded, request: GenerateRequest) {
  const { temperature, topP, seed } = samplingFor(model, request.sampling);
  const settings = {
    stream: true,
    temperature,
    top_p: topP,
    seed: seed ?? null,
    max_tokens: request.maxTokens,
  } as const;
  const { asked, begun: own } = mlcTurns(request.turns);
  const { prefix } = request;
  if (own === '' && prefix === undefined) {
    return { chunks: await engine.chat.completions.create({ ...settings, messages: asked }), turnTokens: null };
  }
  if (template === null) throw cannotContinue();
  // A chat may not end in the assistant's words, but a bare text may.
  const parts = mlcPrompt(template, asked);
  const prompt = parts.join('') + own + (prefix?.text ?? '');
  const turnTokens = prefix === undefined ? null : countTokens(pipeline, [...parts, own]);
  return { chunks: await engine.completions.create({ ...settings, prompt }), turnTokens };
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

function textOf(choice: ChatCompletionChunk.Choice | CompletionChoice): string {
  return 'delta' in choice ? (choice.delta.content ?? '') : choice.text;
}
