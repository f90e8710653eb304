/** GGUF models through llama.cpp in WebAssembly. On the processor, or on WebGPU where its backend really starts. */
import type { GgufModel } from '@llmesh/core/catalogue';
import type { Finish, GenerateRequest, LoadedModel } from '@llmesh/core/engine';
import { cancelled, MeshError } from '@llmesh/core/errors';
import { CHATML_TEMPLATE, renderChat } from '@llmesh/core/prompt';
import { Wllama, type RawCompletionChunk } from '@wllama/wllama/esm/index.js';
import wasmUrl from '@wllama/wllama/esm/wasm/wllama.wasm?url';
import compatCode from '@wllama/wllama-compat/wasm/wllama.js?raw';
import compatWasmUrl from '@wllama/wllama-compat/wasm/wllama.wasm?url';
import type { Adapter, OnPiece, OnProgress } from './adapter.ts';
import type { EngineSettings } from '../state/engine-settings.ts';
import { ggufWantsGpu } from '../state/gguf-backend.ts';
import { type GgufHeader, readGgufHeader } from './gguf-header.ts';
import { openGguf } from './gguf-store.ts';
import { ggufUrl } from './model-url.ts';
import { probeBrowser, threads } from './probe.ts';
import { samplingFor } from './sampling.ts';
import { NativeLog } from './native-log.ts';

/** Cancelling waits for the batch at hand; 64 tokens keep that short. */
const BATCH_TOKENS = 64;
const ALL_LAYERS = 99_999;

export class WllamaEngine implements Adapter<GgufModel> {
  onLost: ((error: MeshError) => void) | null = null;
  #wllama: Wllama | null = null;
  #log = new NativeLog();
  #model: GgufModel | null = null;
  #template = CHATML_TEMPLATE;
  #eos = '';

  async load(
    model: GgufModel,
    settings: EngineSettings,
    onProgress: OnProgress,
    signal: AbortSignal,
  ): Promise<LoadedModel> {
    const url = ggufUrl(model.source, settings.mirror, self.location.origin);
    const file = await openGguf(model, url, onProgress, signal);
    if (signal.aborted) throw cancelled();
    onProgress({ phase: 'start', loadedBytes: file.size, totalBytes: file.size });
    const header = await readGgufHeader(file);
    const gpu = ggufWantsGpu(model, await probeBrowser());
    const wllama = await this.#start(file, contextOf(model, header), gpu);
    this.#wllama = wllama;
    this.#model = model;
    this.#template = header.chatTemplate ?? CHATML_TEMPLATE;
    this.#eos = header.eosText;
    return {
      contextTokens: wllama.getLoadedContextInfo().n_ctx,
      backend: this.#log.offloadedLayers > 0 ? 'webgpu' : 'wasm',
      slots: 1,
    };
  }

  async generate(request: GenerateRequest, onPiece: OnPiece, signal: AbortSignal): Promise<Finish> {
    const wllama = this.#wllama;
    if (wllama === null) throw new MeshError('engine_failed', 'No model is loaded. Start again.');
    // The tokenizer adds the begin-of-text token itself where the model wants one.
    const prompt = renderChat(this.#template, request.turns, { bos: '', eos: this.#eos });
    const answer = new Answer(onPiece);
    this.#log.refusal = null;
    try {
      await wllama.createCompletion({
        ...this.#parameters(request),
        prompt,
        stream: true,
        abortSignal: signal,
        onData: (chunk) => answer.read(chunk),
      });
    } catch (cause) {
      if (signal.aborted) throw cancelled();
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

  async #start(file: Blob, contextTokens: number, gpu: boolean): Promise<Wllama> {
    this.#log = new NativeLog();
    const wllama = new Wllama({ default: wasmUrl }, { logger: this.#log });
    wllama.setCompat({ worker: { code: compatCode }, wasm: compatWasmUrl });
    try {
      await Promise.race([
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
      return wllama;
    } catch (cause) {
      await wllama.exit();
      // A graphics backend that does not start is no reason not to run.
      if (gpu) return await this.#start(file, contextTokens, false);
      throw loadFailure(cause);
    }
  }

  /** As llama.cpp's server takes them; wllama passes on more than its types name. */
  #parameters(request: GenerateRequest) {
    if (this.#model === null) throw new MeshError('engine_failed', 'No model is loaded. Start again.');
    const { temperature, topP, seed } = samplingFor(this.#model, request.sampling);
    return {
      max_tokens: request.maxTokens,
      temperature,
      top_p: topP,
      ...(seed === undefined ? {} : { seed }),
      // A prompt that was read in other chunks can give another answer, and one user's must not time another's.
      cache_prompt: false,
      timings_per_token: true,
    };
  }

  /** llama.cpp's server says what was wrong in a field; only a crash of the module has none. */
  #failure(cause: unknown): MeshError {
    if (this.#log.refusal?.type === 'exceed_context_size_error') {
      return new MeshError(
        'prompt_too_long',
        'This conversation is longer than the model can hold. Start a new one, or ask a model with more context.',
        { cause },
      );
    }
    const error = new MeshError('engine_failed', 'The model failed while answering. Try again.', { cause });
    if (cause instanceof Error && cause.name === 'RuntimeError') {
      this.#wllama = null;
      this.onLost?.(error);
    }
    return error;
  }
}

/** The chunks of one completion as pieces, with their tokens counted. */
class Answer {
  readonly #onPiece: OnPiece;
  #tokens = 0;
  #finish: Finish | null = null;

  constructor(onPiece: OnPiece) {
    this.#onPiece = onPiece;
  }

  read(chunk: RawCompletionChunk): void {
    const [choice] = chunk.choices;
    if (choice === undefined) return;
    // A chunk holds several tokens when the first of them ended in the middle of a character.
    const written = chunk.timings?.predicted_n ?? this.#tokens + 1;
    if (choice.text !== '') {
      const tokens = Math.max(written - this.#tokens, 1);
      this.#tokens += tokens;
      this.#onPiece({ text: choice.text, tokens });
    }
    if (choice.finish_reason === null) return;
    this.#finish = {
      finish: choice.finish_reason === 'length' ? 'length' : 'stop',
      promptTokens: chunk.usage?.prompt_tokens ?? chunk.timings?.prompt_n ?? 0,
      completionTokens: this.#tokens,
    };
  }

  get finish(): Finish {
    if (this.#finish === null) throw new MeshError('engine_failed', 'The model stopped without finishing. Try again.');
    return this.#finish;
  }
}

function contextOf(model: GgufModel, header: GgufHeader): number {
  return Math.min(model.contextTokens, header.contextTokens ?? model.contextTokens);
}

function loadFailure(cause: unknown): MeshError {
  if (cause instanceof RangeError) {
    return new MeshError('out_of_memory', 'This device ran out of memory for the model. Choose a smaller one.', {
      cause,
    });
  }
  return new MeshError(
    'model_unreadable',
    'This model file could not be loaded. Remove it and download it again, or choose another model.',
    { cause },
  );
}
