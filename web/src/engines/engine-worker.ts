/** The engine worker: both engines in one module worker, so that inference never blocks the page. */
import { untilAborted } from '@llmesh/core/base/abort';
import type { CatalogueModel, Probe } from '@llmesh/core/policy/catalogue';
import type { Finish, GenerateRequest, LoadedModel, LoadProgress, Piece } from '@llmesh/core/engine/engine';
import { cancelled, MeshError, type ErrorCode } from '@llmesh/core/base/errors';
import type { Scores } from '@llmesh/core/proof/score';
import { expose } from 'comlink';
import type { Adapter } from './common/adapter.ts';
import { engineError, loadCode } from './common/engine-error.ts';
import { storageFullFor } from './common/room.ts';
import { runsWasm } from './common/wasm.ts';
import { wasmAbsent } from '../state/device/no-model.ts';
import { Ahead } from './ahead.ts';
import type { EngineSettings } from '../state/device/engine-settings.ts';
import { ggufWantsWebLlm } from '../state/device/gguf-backend.ts';
import { probeBrowser } from './common/probe.ts';
import type { Outcome } from './outcome.ts';
import { outcomeOf, type EngineHostApi } from './worker-wire.ts';

class EngineHost implements EngineHostApi {
  #adapter: Adapter<never> | null = null;
  #running: AbortController | null = null;

  probe(): Promise<Outcome<Probe>> {
    return outcomeOf(probeBrowser, false);
  }

  load(
    model: CatalogueModel,
    settings: EngineSettings,
    onProgress: (progress: LoadProgress) => void,
    onLost: (code: ErrorCode, message: string) => void,
  ): Promise<Outcome<LoadedModel>> {
    return this.#run(false, async (signal) => {
      if (!(await runsWasm())) throw wasmAbsent();
      const before = this.#adapter;
      this.#adapter = null;
      await before?.close();
      const start = async (webLlm: boolean) => {
        const adapter = await adapterOf(model.format, webLlm);
        adapter.onLost = (error) => onLost(error.code, error.message);
        const loaded = await (adapter as Adapter<CatalogueModel>).load(model, settings, onProgress, signal);
        this.#adapter = adapter;
        return loaded;
      };
      try {
        const webLlm = model.format === 'mlc' || ggufWantsWebLlm(model, await probeBrowser());
        return await start(webLlm).catch(async (error: unknown) => {
          // If the graphics card does not do it, the processor does.
          if (signal.aborted || !webLlm || model.format === 'mlc') throw error;
          return await start(false);
        });
      } catch (thrown) {
        const error = await engineError(thrown);
        throw error.code === 'storage_full' ? await storageFullFor(model.name, model.sizeBytes, error) : error;
      }
    });
  }

  generate(request: GenerateRequest, onPiece: (piece: Piece) => unknown): Promise<Outcome<Finish>> {
    return this.#run(true, async (signal) => {
      const adapter = this.#loaded();
      const ahead = new Ahead();
      let taken = Promise.resolve();
      const tell = (piece: Piece) => {
        taken = Promise.resolve(onPiece(piece)).then(() => {});
        ahead.add(taken);
      };
      const finish = await adapter.generate(request, tell, () => ahead.drained(signal), signal);
      // Pieces travel on a port of their own: the end must not overtake the last of them.
      await untilAborted(taken, signal);
      return finish;
    });
  }

  score(request: GenerateRequest, tokenIds: readonly number[]): Promise<Outcome<Scores>> {
    return this.#run(true, async (signal) => {
      const adapter = this.#loaded();
      if (adapter.score === undefined) throw checksNothing();
      return await adapter.score(request, tokenIds, signal);
    });
  }

  cancel(): void {
    this.#running?.abort();
  }

  async close(): Promise<void> {
    this.cancel();
    const adapter = this.#adapter;
    this.#adapter = null;
    await adapter?.close();
  }

  #loaded(): Adapter<never> {
    if (this.#adapter === null) throw new MeshError('engine_failed', 'No model is loaded. Start again.');
    return this.#adapter;
  }

  #run<T>(quotes: boolean, work: (signal: AbortSignal) => Promise<T>): Promise<Outcome<T>> {
    return outcomeOf(async () => {
      if (this.#running !== null) throw new MeshError('busy', 'The engine is at work. Wait for it to finish.');
      const running = new AbortController();
      this.#running = running;
      try {
        return await work(running.signal);
      } catch (thrown) {
        throw running.signal.aborted ? cancelled() : thrown;
      } finally {
        this.#running = null;
      }
    }, quotes);
  }
}

function checksNothing(): MeshError {
  return new MeshError('unsupported', 'In this browser the model cannot check answers. Ask another auditor.');
}

/** Each engine is megabytes of code: this fetches only the one that is needed. */
async function adapterOf(format: CatalogueModel['format'], webLlm: boolean): Promise<Adapter<never>> {
  return webLlm
    ? (await loadCode(() => import('./web-llm-models.ts'))).webLlmFor(format)
    : new (await loadCode(() => import('./wllama/wllama-engine.ts'))).WllamaEngine();
}

expose(new EngineHost());
