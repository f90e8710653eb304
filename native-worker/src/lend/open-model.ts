/** From what a person writes after `--model` to an engine that has it loaded. */
import { realClock } from '@llmesh/core/base/clock';
import type { LoadedModel } from '@llmesh/core/engine/engine';
import type { AdapterFiles } from '../models/lora/adapter-files.ts';
import { modelsFolder, readCatalogue } from '../models/catalogue-file.ts';
import { contained } from '../contained/contained.ts';
import { tryModel } from '../contained/model-trial.ts';
import { dataFolder } from '../files/data-folder.ts';
import type { DraftChoice } from '../llama/draft/draft.ts';
import { availableBytes } from '../llama/context/fit.ts';
import { readGgufInfo } from '../models/gguf-info.ts';
import { HuggingFace } from '../models/hugging-face.ts';
import { defaultThreads, openLlama, type GpuChoice } from '../llama/context/llama-device.ts';
import type { LlamaEngine } from '../llama/llama-engine.ts';
import { readMachine } from '../llama/context/machine.ts';
import { DoesNotFit } from '../llama/context/model-plan.ts';
import type { ModelPeers } from '../models/model-peers.ts';
import { resolveModel, type ResolvedModel, type ResolveOptions } from '../models/models.ts';
import { megabytes, type Output } from '../cli/output.ts';
import { ProgressReport } from '../cli/progress-report.ts';
import { withSmaller, type TooLarge } from './smaller-model.ts';
import type { LentAdapters } from '../models/adapter-file.ts';

export interface OpenModelOptions {
  /** A file, an id of the catalogue, `hf:…` or a URL. */
  model: string;
  mesh: URL;
  slots?: number;
  threads?: number;
  ctx?: number;
  gpu: GpuChoice;
  data?: string;
  /** The model that guesses ahead, named like `model`; or `lookup`. */
  draft?: string;
}

/** `--draft` with this: the conversation itself. */
const LOOKUP = 'lookup';

export interface OpenedModel {
  model: ResolvedModel;
  loaded: LoadedModel;
  /** Null: there are none. */
  adapters: LentAdapters | null;
  /** Null: there are none. */
  draft: DraftChoice | null;
  loadMs: number;
}

/** Throws what `resolveModel`, `tryModel`, `AdapterFiles.for` and `Engine.load` throw; out_of_memory says what would fit. */
export async function openModel(
  engine: LlamaEngine,
  options: OpenModelOptions,
  { files, peers }: { files: AdapterFiles; peers: ModelPeers | null },
  output: Output,
  signal: AbortSignal,
): Promise<OpenedModel> {
  const folder = modelsFolder();
  const catalogue = await readCatalogue(folder);
  const report = new ProgressReport(output, realClock);
  const onProgress = report.show.bind(report);
  const entry = catalogue.models.find(({ id }) => id === options.model);
  let large: TooLarge = { sizeBytes: 0, source: entry?.source ?? options.model };
  try {
    const resolving = {
      catalogue,
      modelsFolder: folder,
      dataFolder: dataFolder(options.data),
      mesh: options.mesh.origin,
      onProgress,
      onSize: (sizeBytes: number) => checkSize(sizeBytes, options),
      onWait: () => output.note('Another llmesh downloads this model already. Waiting for it.'),
      note: (text: string) => output.note(text),
      peers,
      signal,
    };
    const model = await resolveModel(options.model, {
      ...resolving,
      onSize: async (sizeBytes) => {
        large = { ...large, sizeBytes };
        await checkSize(sizeBytes, options);
      },
    });
    large = { sizeBytes: model.sizeBytes, source: model.source };
    if (!model.isKnown) await tryModel(contained.llama, model.path, signal);
    const draft = await resolveDraft(options.draft, resolving);
    const adapters = files.none ? null : files.for(await readGgufInfo(model.path, signal));
    const beganMs = realClock.now();
    const loaded = await engine.load(
      {
        path: model.path,
        isKnown: model.isKnown,
        gpu: options.gpu,
        ...(options.threads !== undefined && { threads: options.threads }),
        ...(options.slots !== undefined && { slots: options.slots }),
        ...(options.ctx !== undefined && { contextTokens: options.ctx }),
        ...(adapters !== null && { adapters }),
        ...(model.contextTokens !== null && { usualContextTokens: model.contextTokens }),
        ...(draft !== null && { draft }),
      },
      onProgress,
      signal,
    );
    return { model, loaded, draft, adapters, loadMs: realClock.now() - beganMs };
  } catch (thrown) {
    if (!(thrown instanceof DoesNotFit)) throw thrown;
    throw await withSmaller(thrown, large, catalogue, new HuggingFace(process.env, realClock), signal);
  }
}

async function resolveDraft(wanted: string | undefined, options: ResolveOptions): Promise<DraftChoice | null> {
  if (wanted === undefined) return null;
  if (wanted === LOOKUP) return 'lookup';
  const { path, isKnown } = await resolveModel(wanted, options);
  if (!isKnown) await tryModel(contained.llama, path, options.signal);
  return { path };
}

/** Nobody downloads for hours a model whose weights alone are more than this computer has. */
async function checkSize(sizeBytes: number, { gpu, threads }: OpenModelOptions): Promise<void> {
  const llama = await openLlama(gpu, threads ?? defaultThreads());
  try {
    const machine = await readMachine(llama, 'total');
    if (sizeBytes <= availableBytes(machine)) return;
    throw new DoesNotFit(
      `This model has ${megabytes(sizeBytes)}, and this computer could give it ${megabytes(availableBytes(machine))} of memory.`,
      sizeBytes,
      machine,
    );
  } finally {
    await llama.dispose();
  }
}
