/** What is tried or worked out before the process that answers gets it: grammars, model files, lists of functions. */
import { GgufInsights, type Llama, type LlamaModel } from 'node-llama-cpp';
import { MeshError } from '@llmesh/core/base/errors';
import { grammarText } from '@llmesh/core/form/grammar';
import { callGrammar } from '@llmesh/core/syntax/call-grammar';
import { genericForm } from '@llmesh/core/syntax/generic-form';
import { readGgufInfo } from '../models/gguf-info.ts';
import { checkAdapter } from '../models/lora/adapter-fit.ts';
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
    switch (job.kind) {
      case 'grammar':
        await tryGrammar(llama, job);
        return [];
      case 'model':
        await tryModel(llama, job.path);
        return [];
      case 'adapter':
        await checkAdapter(job.path, job.model);
        return [];
      case 'generic': {
        const { system, schema } = genericForm(job.tools, job.said ?? undefined);
        return [system, schema];
      }
      case 'calls':
        return [grammarText(callGrammar(job.frame, job.tools))];
      case 'render':
      case 'probe':
      case 'values':
        throw new Error('That is for another process.');
      default:
        return job satisfies never;
    }
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
