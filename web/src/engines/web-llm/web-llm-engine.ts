/** MLC models through web-llm on WebGPU: the main engine of the browser. */
import type { MlcModel } from '@llmesh/core/policy/catalogue';
import type { AnswerPrefix, Finish, GenerateRequest, LoadedModel } from '@llmesh/core/engine/engine';
import { cancelled, MeshError } from '@llmesh/core/base/errors';
import type { Turn } from '@llmesh/core/protocol';
import { plainTurns } from '@llmesh/core/syntax/plain-turns';
import {
  MLCEngine,
  prebuiltAppConfig,
  type ChatCompletionChunk,
  type ChatCompletionMessageParam,
  type CompletionChoice,
  type ModelRecord,
} from '@mlc-ai/web-llm';
import type { Adapter, OnPiece, OnProgress, Drained } from '../common/adapter.ts';
import type { EngineSettings } from '../../state/device/engine-settings.ts';
import { readMirrorEntry, type MirrorEntry } from '../common/mirror-manifest.ts';
import { fetchMlcFiles } from './mlc-files.ts';
import { keptTemplate, mlcPrompt, type MlcTemplate } from './mlc-prompt.ts';
import { mirrored, mlcFolder } from '../common/model-url.ts';
import { MLC_CACHES } from '../common/storage-names.ts';
import { probeBrowser } from '../common/probe.ts';
import { samplingFor } from '../common/sampling.ts';
import { deviceLost, generateError, halfPrecisionAbsent, loadError, webGpuAbsent } from './web-llm-errors.ts';

export class WebLlmEngine implements Adapter<MlcModel> {
  onLost: ((error: MeshError) => void) | null = null;
  #engine: MLCEngine | null = null;
  #model: MlcModel | null = null;
  /** null: this model cannot continue an answer that was begun elsewhere. */
  #template: MlcTemplate | null = null;
  /** web-llm hides its device. One of our own, on the same adapter, is lost with it when the graphics process dies. */
  #canary: GPUDevice | null = null;

  async load(
    model: MlcModel,
    settings: EngineSettings,
    onProgress: OnProgress,
    signal: AbortSignal,
  ): Promise<LoadedModel> {
    const probe = await probeBrowser();
    if (probe.backend !== 'webgpu') throw webGpuAbsent();
    if (model.f16 && !probe.f16) throw halfPrecisionAbsent();
    const pins = await readMirrorEntry(settings.mirror, model.source, signal);
    const record = recordFor(model, settings, pins);
    const total = await fetchMlcFiles(record, pins, onProgress, signal);
    onProgress({ phase: 'start', loadedBytes: 0, totalBytes: total });
    const engine = new MLCEngine({
      appConfig: { model_list: [record], cacheBackend: 'cache' },
      initProgressCallback: ({ progress }) =>
        onProgress({ phase: 'start', loadedBytes: Math.round(Math.min(progress, 1) * total), totalBytes: total }),
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
    this.#engine = engine;
    this.#model = model;
    this.#template = await keptTemplate(mlcFolder(record.model));
    await this.#watchDevice();
    return {
      contextTokens: record.overrides?.context_window_size ?? model.contextTokens,
      backend: 'webgpu',
      slots: 1,
      continues: this.#template === null ? 'none' : 'text',
      replays: false,
    };
  }

  async generate(request: GenerateRequest, onPiece: OnPiece, drained: Drained, signal: AbortSignal): Promise<Finish> {
    const engine = this.#engine;
    if (engine === null || this.#model === null) {
      throw new MeshError('engine_failed', 'No model is loaded. Start again.');
    }
    const { temperature, topP, seed } = samplingFor(this.#model, request.sampling);
    const settings = {
      stream: true,
      stream_options: { include_usage: true },
      temperature,
      top_p: topP,
      seed: seed ?? null,
      max_tokens: request.maxTokens,
    } as const;
    const { prefix } = request;
    const prompt = prefix === undefined ? null : this.#continuing(request.turns, prefix);
    let told = 0;
    let finish: Finish['finish'] = 'stop';
    let promptTokens = 0;
    try {
      const chunks =
        prompt === null
          ? await engine.chat.completions.create({ ...settings, messages: messagesOf(request.turns) })
          : await engine.completions.create({ ...settings, prompt });
      for await (const chunk of chunks) {
        if (signal.aborted) await engine.interruptGenerate();
        const [choice] = chunk.choices;
        const text = choice === undefined ? '' : textOf(choice);
        if (text !== '' && !signal.aborted) {
          onPiece({ text, tokens: 1 });
          told += 1;
        }
        if (choice?.finish_reason === 'length') finish = 'length';
        // The next piece is computed when it is asked for.
        await drained();
        if (chunk.usage) promptTokens = Math.max(chunk.usage.prompt_tokens - (prefix?.tokens ?? 0), 0);
      }
    } catch (cause) {
      if (signal.aborted) throw cancelled();
      const error = generateError(cause);
      if (error.code === 'device_lost') this.#lost(error);
      throw error;
    }
    if (signal.aborted) throw cancelled();
    return { finish, promptTokens, completionTokens: told };
  }

  async close(): Promise<void> {
    const engine = this.#engine;
    this.#engine = null;
    this.#canary?.destroy();
    this.#canary = null;
    await engine?.unload();
  }

  /** A chat may not end in the assistant's words, but a bare text may. */
  #continuing(turns: readonly Turn[], { text }: AnswerPrefix): string {
    if (this.#template !== null) return mlcPrompt(this.#template, turns) + text;
    throw new MeshError(
      'engine_failed',
      'This model cannot continue an answer that another computer began. Ask again, and it answers from the start.',
    );
  }

  async #watchDevice(): Promise<void> {
    const adapter = await navigator.gpu.requestAdapter({ powerPreference: 'high-performance' });
    if (adapter === null) return;
    const canary = await adapter.requestDevice();
    this.#canary = canary;
    void canary.lost.then(({ reason }) => {
      if (reason !== 'destroyed' && this.#canary === canary) this.#lost(deviceLost());
    });
  }

  #lost(error: MeshError): void {
    if (this.#engine === null) return;
    this.#engine = null;
    this.onLost?.(error);
  }
}

function messagesOf(turns: readonly Turn[]): ChatCompletionMessageParam[] {
  return plainTurns(turns, false);
}

function textOf(choice: ChatCompletionChunk.Choice | CompletionChoice): string {
  return 'delta' in choice ? (choice.delta.content ?? '') : choice.text;
}

/** web-llm's own record of the model, from the mirror if there is one. */
function recordFor(model: MlcModel, settings: EngineSettings, pins: MirrorEntry): ModelRecord {
  const record = prebuiltAppConfig.model_list.find(({ model_id }) => model_id === model.source);
  if (record === undefined) {
    throw new MeshError(
      'model_not_found',
      'web-llm does not know this model. The catalogue is newer than this page: reload it, or choose another model.',
    );
  }
  const { config, model_lib, tokenizer } = { ...record.integrity, ...pins.integrity };
  return {
    ...record,
    model: mirrored(record.model, settings.mirror),
    model_lib: mirrored(record.model_lib, settings.mirror),
    integrity: {
      ...(config === undefined ? {} : { config }),
      ...(model_lib === undefined ? {} : { model_lib }),
      ...(tokenizer === undefined ? {} : { tokenizer }),
    },
  };
}

/** Forgets files that were refused, so that the next try fetches them again. */
async function forgetSmallFiles(record: ModelRecord): Promise<void> {
  const folder = mlcFolder(record.model);
  const [config, model, wasm] = await Promise.all([
    caches.open(MLC_CACHES.config),
    caches.open(MLC_CACHES.model),
    caches.open(MLC_CACHES.wasm),
  ]);
  await Promise.all([
    config.delete(`${folder}mlc-chat-config.json`),
    model.delete(`${folder}tokenizer.json`),
    model.delete(`${folder}tokenizer.model`),
    wasm.delete(record.model_lib),
  ]);
}
