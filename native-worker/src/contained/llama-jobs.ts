/** The trials that llama.cpp gets before the process that answers does. */
import { GgufInsights, type Llama, type LlamaModel } from 'node-llama-cpp';
import { MeshError } from '@llmesh/core/base/errors';
import { readGgufInfo } from '../models/gguf-info.ts';
import { isEmbedder } from '../llama/context/gguf-pooling.ts';
import { openLlama } from '../llama/context/llama-device.ts';
import { loadError } from '../llama/context/load-error.ts';
import type { Job } from './jobs.ts';

/** As small as contexts come: only its parts matter. */
const CONTEXT = { contextSize: 256, batchSize: 64, sequences: 1 };

/** The library does not export it. */
interface Followed {
  _testText(text: string): boolean;
}

export async function openLlamaJobs(): Promise<(job: Job) => Promise<string[]>> {
  const llama = await openLlama('off', 1);
  return async (job) => {
    if (job.kind === 'grammar') await tryGrammar(llama, job);
    else if (job.kind === 'model') await tryModel(llama, job.path);
    else throw new Error('That is for the other process.');
    return [];
  };
}

/** Rejects with bad_schema. */
async function tryGrammar(llama: Llama, { grammar, delivered }: { grammar: string; delivered: string }): Promise<void> {
  try {
    const compiled = await llama.createGrammar({ grammar });
    // Whether the text may end there does not matter here, only that the call returns.
    (compiled as unknown as Followed)._testText(delivered);
  } catch (cause) {
    throw new MeshError('bad_schema', 'This JSON schema asks for more than can be enforced. Make it simpler.', {
      cause,
    });
  }
}

/** Rejects with model_unreadable. Where llama.cpp ends the process, it ends this one. */
async function tryModel(llama: Llama, path: string): Promise<void> {
  let model: LlamaModel | null = null;
  try {
    const info = await readGgufInfo(path);
    const insights = await GgufInsights.from(info, llama);
    await insights.estimateModelResourceRequirementsV2({ gpuLayers: 0, useMmap: false });
    await insights.estimateContextResourceRequirementsV2({
      ...CONTEXT,
      modelGpuLayers: 0,
      isEmbeddingContext: isEmbedder(info),
      useMmap: false,
    });
    model = await llama.loadModel({ modelPath: path, vocabOnly: true });
    model.detokenize(model.tokenize('Hello', true));
  } catch (thrown) {
    throw loadError(thrown, path);
  } finally {
    await model?.dispose();
  }
}
