/**
 * What web-llm knows of the answer that it is writing, and tells nobody. Its public `usage` comes only at the end, counts
 * the stop token, and of the prompt only what was not in its cache.
 */
import { MeshError } from '@llmesh/core/base/errors';
import type { MLCEngine } from '@mlc-ai/web-llm';
import * as v from 'valibot';

/** Private fields of web-llm 0.2.86: `pipelineOf` checks that they are there when a model is loaded. */
const PipelineSchema = v.looseObject({
  outputIds: v.array(v.number()),
  filledKVCacheLength: v.number(),
  contextWindowSize: v.number(),
  getCurRoundDecodingTotalTokens: v.function(),
  tokenizer: v.looseObject({ encode: v.function() }),
  tvm: v.looseObject({ lib: v.looseObject({ webGPUContext: v.looseObject({ device: v.looseObject({}) }) }) }),
});
const EngineSchema = v.looseObject({ loadedModelIdToPipeline: v.map(v.string(), PipelineSchema) });

export interface MlcPipeline {
  /** The answer so far, without a stop token. */
  readonly outputIds: readonly number[];
  /** The tokens in the cache: those of the whole conversation, and all of the answer but the last. */
  readonly filledKVCacheLength: number;
  /** -1 for a model that forgets its oldest tokens instead. */
  readonly contextWindowSize: number;
  readonly tokenizer: { encode(text: string): ArrayLike<number> };
  readonly tvm: { readonly lib: { readonly webGPUContext: { readonly device: GPUDevice } } };
  getCurRoundDecodingTotalTokens(): number;
}

/** Throws `engine_failed` when this is not the web-llm that it was written for. */
export function pipelineOf(engine: MLCEngine, modelId: string): MlcPipeline {
  const found: unknown = engine;
  if (!v.is(EngineSchema, found)) {
    throw new MeshError(
      'engine_failed',
      'This page and its web-llm do not fit together. Reload the page; if this comes back, choose a GGUF model.',
    );
  }
  const pipelines: ReadonlyMap<string, unknown> = found.loadedModelIdToPipeline;
  return pipelines.get(modelId) as MlcPipeline;
}

/** web-llm drops its models without a word when it loses its device. */
export function hasModel(engine: MLCEngine, modelId: string): boolean {
  return (engine as unknown as { loadedModelIdToPipeline: ReadonlyMap<string, unknown> }).loadedModelIdToPipeline.has(
    modelId,
  );
}

/** How long the conversation is in tokens, with everything that is in the cache. */
export function promptTokens(pipeline: MlcPipeline): number {
  return pipeline.filledKVCacheLength - pipeline.getCurRoundDecodingTotalTokens();
}

export function countTokens({ tokenizer }: MlcPipeline, texts: readonly string[]): number {
  return texts.reduce((sum, text) => sum + tokenizer.encode(text).length, 0);
}
