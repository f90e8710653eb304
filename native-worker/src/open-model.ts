/** From what a person writes after `--model` to an engine that has it loaded. */
import { realClock } from '@llmesh/core/clock';
import type { LoadedModel } from '@llmesh/core/engine';
import { modelsFolder, readCatalogue } from './catalogue-file.ts';
import { dataFolder } from './data-folder.ts';
import { roomBytes } from './fit.ts';
import { HuggingFace } from './hugging-face.ts';
import { defaultThreads, openLlama, type GpuChoice } from './llama-device.ts';
import type { LlamaEngine } from './llama-engine.ts';
import { readMachine } from './machine.ts';
import { DoesNotFit } from './model-plan.ts';
import { resolveModel, type ResolvedModel } from './models.ts';
import { megabytes, type Output } from './output.ts';
import { ProgressReport } from './progress-report.ts';
import { withSmaller, type TooLarge } from './smaller-model.ts';

export interface OpenModelOptions {
  /** A file, an id of the catalogue, `hf:…` or a URL. */
  model: string;
  mesh: URL;
  slots?: number;
  threads?: number;
  ctx?: number;
  gpu: GpuChoice;
  data?: string;
}

/** Throws what `resolveModel` and `Engine.load` throw; out_of_memory says what would fit. */
export async function openModel(
  engine: LlamaEngine,
  options: OpenModelOptions,
  output: Output,
  signal: AbortSignal,
): Promise<{ model: ResolvedModel; loaded: LoadedModel; loadMs: number }> {
  const folder = modelsFolder();
  const catalogue = await readCatalogue(folder);
  const report = new ProgressReport(output, realClock);
  const onProgress = report.show.bind(report);
  const entry = catalogue.models.find(({ id }) => id === options.model);
  let large: TooLarge = { sizeBytes: 0, source: entry?.source ?? options.model };
  try {
    const model = await resolveModel(options.model, {
      catalogue,
      modelsFolder: folder,
      dataFolder: dataFolder(options.data),
      mesh: options.mesh.origin,
      onProgress,
      onSize: async (sizeBytes) => {
        large = { ...large, sizeBytes };
        await checkSize(sizeBytes, options);
      },
      onWait: () => output.note('Another llmesh downloads this model already. Waiting for it.'),
      signal,
    });
    large = { sizeBytes: model.sizeBytes, source: model.source };
    const beganMs = realClock.now();
    const loaded = await engine.load(
      {
        path: model.path,
        gpu: options.gpu,
        ...(options.threads !== undefined && { threads: options.threads }),
        ...(options.slots !== undefined && { slots: options.slots }),
        ...(options.ctx !== undefined && { contextTokens: options.ctx }),
        ...(model.contextTokens !== null && { usualContextTokens: model.contextTokens }),
      },
      onProgress,
      signal,
    );
    return { model, loaded, loadMs: realClock.now() - beganMs };
  } catch (thrown) {
    if (!(thrown instanceof DoesNotFit)) throw thrown;
    throw await withSmaller(thrown, large, catalogue, new HuggingFace(process.env, realClock), signal);
  }
}

/** Hours of downloading are not for a model whose weights alone are more than this computer has. */
async function checkSize(sizeBytes: number, { gpu, threads }: OpenModelOptions): Promise<void> {
  const llama = await openLlama(gpu, threads ?? defaultThreads());
  try {
    const machine = await readMachine(llama, 'total');
    if (sizeBytes <= roomBytes(machine)) return;
    throw new DoesNotFit(
      `This model has ${megabytes(sizeBytes)}, and this computer could give it ${megabytes(roomBytes(machine))} of memory.`,
      sizeBytes,
      machine,
    );
  } finally {
    await llama.dispose();
  }
}
