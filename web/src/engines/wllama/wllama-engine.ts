/** GGUF models through llama.cpp in WebAssembly. On the processor, or on WebGPU where that really starts. */
import type { GgufModel } from '@llmesh/core/policy/catalogue';
import type { AnswerPrefix, Finish, GenerateRequest, LoadedModel } from '@llmesh/core/engine/engine';
import { cancelled, MeshError } from '@llmesh/core/base/errors';
import { readGgufHeader, type GgufHeader } from '@llmesh/core/gguf/gguf-header';
import { grammarText } from '@llmesh/core/form/grammar';
import { GrammarReader } from '@llmesh/core/form/grammar-reader';
import { jsonGrammar } from '@llmesh/core/form/json-grammar';
import type { JsonSchema } from '@llmesh/core/form/json-schema';
import { CacheManager, Wllama } from '@wllama/wllama/esm/index.js';
import wasmUrl from '@wllama/wllama/esm/wasm/wllama.wasm?url';
import compatCode from '@wllama/wllama-compat/wasm/wllama.js?raw';
import compatWasmUrl from '@wllama/wllama-compat/wasm/wllama.wasm?url';
import type { Adapter, OnPiece, OnProgress, Drained } from '../common/adapter.ts';
import type { EngineSettings } from '../../state/device/engine-settings.ts';
import { ggufWantsGpu } from '../../state/device/gguf-backend.ts';
import { outOfMemory } from '../common/engine-error.ts';
import { openModelFile } from '../common/model-file.ts';
import { codeFailure } from '../../adapters/page-code.ts';
import { probeBrowser, threads } from '../common/probe.ts';
import { ggufDefaults, samplingFor } from '../common/sampling.ts';
import { NativeLog } from './native-log.ts';
import { StrayRejection } from './stray-rejection.ts';
import { TELL_TOKENS, WllamaAnswer } from './wllama-answer.ts';
import { recommendedSampling } from '@llmesh/core/engine/recommended-sampling';
import { renderChat } from '@llmesh/core/engine/chat-prompt';
import { genericRequest } from '@llmesh/core/engine/generic-request';
import { genericForm } from '@llmesh/core/syntax/generic-form';
import { plainTurns } from '@llmesh/core/syntax/plain-turns';
import { CHATML_TEMPLATE } from '@llmesh/core/engine/chat-template';

/** Cancelling waits for the current batch; 64 tokens keep that short. */
const BATCH_TOKENS = 64;
const ALL_LAYERS = 99_999;
const TOO_LONG = 'exceed_context_size_error';
/** A lone surrogate crashes wllama's module. */
const LONE_SURROGATE = /\p{Surrogate}/gu;
/** Private to wllama; set when a model is loaded. */
interface WllamaProxy {
  wllamaAction(name: string, body: unknown): Promise<unknown>;
}
/** wllama keeps files that it downloads; it gets ours. Without a cache of its own it starts only where there is a file system. */
const NO_CACHE = {
  isSupported: () => true,
  read: async () => null,
  write: async () => {},
  getSize: async () => -1,
  list: async () => [],
  delete: async () => {},
};
const NO_PREFIX: AnswerPrefix = { text: '', tokens: 0, tokenIds: null };

export class WllamaEngine implements Adapter<GgufModel> {
  onLost: ((error: MeshError) => void) | null = null;
  #wllama: Wllama | null = null;
  #log = new NativeLog();
  #defaults = recommendedSampling(0);
  #template = CHATML_TEMPLATE;
  #eos = '';
  #drained: Drained = async () => {};

  async load(
    model: GgufModel,
    settings: EngineSettings,
    onProgress: OnProgress,
    signal: AbortSignal,
  ): Promise<LoadedModel> {
    const opened = await openModelFile(model, settings, onProgress, signal);
    const { file } = opened;
    if (signal.aborted) throw cancelled();
    onProgress({ phase: 'start', loadedBytes: file.size, totalBytes: file.size });
    const wllama = await this.#read(file, model).catch(async (thrown: unknown) => {
      const damaged = thrown instanceof MeshError && thrown.code === 'model_unreadable';
      throw damaged && !(await opened.isGenuine()) ? damagedHere(thrown) : thrown;
    });
    this.#wllama = wllama;
    return {
      contextTokens: wllama.getLoadedContextInfo().n_ctx,
      backend: this.#log.offloadedLayers > 0 ? 'webgpu' : 'wasm',
      slots: 1,
      // wllama takes no token ids: it reads what was written as part of the prompt.
      continues: 'text',
      replays: false,
      // It takes one seed for a whole answer, which llama.cpp cannot go on with in the middle of a text that it reads at once.
      replayable: 'likelihood',
      abilities: ['schema', 'completion', 'tools'],
    };
  }

  async generate(asked: GenerateRequest, tell: OnPiece, drained: Drained, signal: AbortSignal): Promise<Finish> {
    const { request, onPiece } = inGenericForm(asked, tell);
    const wllama = this.#wllama;
    if (wllama === null) throw new MeshError('engine_failed', 'No model is loaded. Start again.');
    // The tokenizer adds the begin-of-text token itself where the model wants one.
    const turns =
      request.task === 'completion'
        ? (request.turns[0]?.content ?? '')
        : renderChat(this.#template, request.turns, { bos: '', eos: this.#eos });
    const prefix = request.prefix ?? NO_PREFIX;
    const prompt = (turns + prefix.text).replace(LONE_SURROGATE, '\ufffd');
    const parameters = this.#parameters(request);
    const answer = new WllamaAnswer(onPiece, prefix.tokens);
    this.#log.refusal = null;
    this.#log.outOfMemory = false;
    this.#drained = drained;
    try {
      await wllama.createCompletion({
        ...parameters,
        prompt,
        stream: true,
        abortSignal: signal,
        onData: (chunk) => answer.read(chunk),
      });
    } catch (cause) {
      if (signal.aborted) throw cancelled();
      if (prefix.tokens > 0 && this.#justFull()) {
        // Uninterrupted, the answer would have ended here.
        const { n_ctx: contextTokens } = wllama.getLoadedContextInfo();
        return { finish: 'length', promptTokens: Math.max(contextTokens - prefix.tokens, 0), completionTokens: 0 };
      }
      throw this.#failure(cause);
    }
    if (signal.aborted) throw cancelled();
    return answer.finish;
  }

  async close(): Promise<void> {
    const wllama = this.#wllama;
    this.#wllama = null;
    await wllama?.exit();
  }

  async #read(file: Blob, model: GgufModel): Promise<Wllama> {
    const header = await readGgufHeader({
      sizeBytes: file.size,
      head: async (length) => new Uint8Array(await file.slice(0, length).arrayBuffer()),
    });
    this.#template = header.chatTemplate ?? CHATML_TEMPLATE;
    this.#eos = header.eosText;
    this.#defaults = ggufDefaults(model, header);
    return await this.#start(file, contextOf(model, header), ggufWantsGpu(model, await probeBrowser()));
  }

  async #start(file: Blob, contextTokens: number, gpu: boolean): Promise<Wllama> {
    this.#log = new NativeLog();
    const wllama = new Wllama({ default: wasmUrl }, { logger: this.#log, cacheManager: new CacheManager([NO_CACHE]) });
    wllama.setCompat({ worker: { code: compatCode }, wasm: compatWasmUrl });
    const stray = new StrayRejection();
    try {
      await Promise.race([
        stray.happened,
        wllama.loadModel([file], {
          n_ctx: contextTokens,
          n_batch: BATCH_TOKENS,
          n_ubatch: BATCH_TOKENS,
          n_parallel: 1,
          n_threads: threads(),
          n_gpu_layers: gpu ? ALL_LAYERS : 0,
        }),
        this.#log.workerFailed,
      ]);
      computeOnDemand(wllama, () => this.#drained());
      return wllama;
    } catch (cause) {
      await wllama.exit();
      // If the graphics backend does not start, run without it.
      if (gpu) return await this.#start(file, contextTokens, false);
      if (cause instanceof MeshError) throw cause;
      if (cause instanceof RangeError || this.#log.outOfMemory) throw outOfMemory(cause);
      throw (await missingModule(wllama.getWorkerResources().wasmPath, cause)) ?? unreadable(cause);
    } finally {
      stray.ignore();
    }
  }

  /** The options as llama.cpp's server takes them. */
  #parameters(request: GenerateRequest) {
    const { temperature, topP, topK, minP } = samplingFor(this.#defaults, request.sampling);
    const { seed } = request.sampling;
    return {
      max_tokens: request.maxTokens,
      temperature,
      // All of them are named: the server's own defaults are others, and whoever checks an answer does not know them.
      top_p: topP,
      top_k: topK,
      min_p: minP,
      ...(seed === undefined ? {} : { seed }),
      ...(request.schema !== undefined && { grammar: restOf(request.schema, request.prefix) }),
      // A prompt read in other chunks can give another answer, and timing must not tell one user's prompt to another.
      cache_prompt: false,
      ...TELL_TOKENS,
    };
  }

  /** The prompt, with what was written, fills the context to the last token. */
  #justFull(): boolean {
    const refusal = this.#log.refusal;
    return refusal?.type === TOO_LONG && refusal.n_prompt_tokens === refusal.n_ctx;
  }

  /** llama.cpp's server names the fault in a field; only a crash of the module leaves it out. */
  #failure(cause: unknown): MeshError {
    if (this.#log.refusal?.type === TOO_LONG) {
      return new MeshError(
        'prompt_too_long',
        'This conversation is longer than the model can hold. Start a new one, or ask a model with more context.',
        { cause },
      );
    }
    const failed = new MeshError('engine_failed', 'The model failed while answering. Try again.', { cause });
    if (!(cause instanceof Error && cause.name === 'RuntimeError')) return failed;
    const error = this.#log.outOfMemory ? outOfMemory(cause) : failed;
    this.#wllama = null;
    this.onLost?.(error);
    return error;
  }
}

/** Functions become a form of the answer, which its first piece names. Throws bad_schema. */
function inGenericForm(asked: GenerateRequest, tell: OnPiece): { request: GenerateRequest; onPiece: OnPiece } {
  if (asked.tools === undefined) return { request: asked, onPiece: tell };
  const { said, ...offered } = asked.tools;
  const { turns, schema } = genericRequest(asked.turns, genericForm(offered, said));
  let isFirst = true;
  const onPiece: OnPiece = (piece) => {
    tell(isFirst ? { ...piece, syntax: 'generic' } : piece);
    isFirst = false;
  };
  return { request: { ...asked, turns: plainTurns(turns, true), schema }, onPiece };
}

/** The grammar begins where the engine begins to write. Throws bad_schema. */
function restOf(schema: JsonSchema, prefix: AnswerPrefix = NO_PREFIX): string {
  const reader = new GrammarReader(jsonGrammar(schema));
  reader.read(prefix.text);
  return grammarText(reader.rest);
}

/** llama.cpp computes in `get_result`, which wllama 3.8.1 calls until the answer is whole, with no way to pause. */
function computeOnDemand(wllama: Wllama, drained: Drained): void {
  const { proxy } = wllama as unknown as { proxy: WllamaProxy };
  const action = proxy.wllamaAction.bind(proxy);
  proxy.wllamaAction = async (name, body) => {
    if (name === 'get_result') await drained();
    return action(name, body);
  };
}

function contextOf(model: GgufModel, header: GgufHeader): number {
  return Math.min(model.contextTokens, header.contextTokens ?? model.contextTokens);
}

/** Why the module of llama.cpp could not be fetched; null: it can be, so that it is not to blame. */
async function missingModule(url: string, cause: unknown): Promise<MeshError | null> {
  const response = await fetch(url, { cache: 'force-cache' }).catch(() => null);
  await response?.body?.cancel();
  return response?.ok ? null : await codeFailure(url, cause);
}

function unreadable(cause: unknown): MeshError {
  return new MeshError(
    'model_unreadable',
    'llama.cpp in this browser cannot read this model. Choose another model, or run this one with the llmesh command.',
    { cause },
  );
}

function damagedHere(cause: MeshError): MeshError {
  return new MeshError(
    'model_integrity',
    'The file of this model was damaged on this device, so it was removed. Start again to download it anew.',
    { cause },
  );
}
