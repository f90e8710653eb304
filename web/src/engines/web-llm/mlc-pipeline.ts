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
  fullVocabSize: v.number(),
  stopTokens: v.array(v.number()),
  outputMessage: v.string(),
  sampleFromRawLogits: v.function(),
  getInputData: v.function(),
  forwardKnownTokens: v.function(),
  forwardDecodeToken: v.function(),
  resetChat: v.function(),
  device: v.looseObject({ sync: v.function() }),
  tokenizer: v.looseObject({ encode: v.function(), decode: v.function() }),
  tvm: v.looseObject({
    cpu: v.function(),
    empty: v.function(),
    beginScope: v.function(),
    endScope: v.function(),
    detachFromCurrentScope: v.function(),
    lib: v.looseObject({ webGPUContext: v.looseObject({ device: v.looseObject({}) }) }),
  }),
});
const EngineSchema = v.looseObject({ loadedModelIdToPipeline: v.map(v.string(), PipelineSchema) });

export interface MlcPipeline {
  /** The answer so far, without a stop token. */
  readonly outputIds: readonly number[];
  /** The tokens in the cache: those of the whole conversation, and all of the answer but the last. */
  readonly filledKVCacheLength: number;
  /** -1 for a model that forgets its oldest tokens instead. */
  readonly contextWindowSize: number;
  /** Its text. */
  readonly outputMessage: string;
  readonly fullVocabSize: number;
  readonly stopTokens: readonly number[];
  readonly device: { sync(): Promise<void> };
  readonly tokenizer: { encode(text: string): ArrayLike<number>; decode(ids: Int32Array): string };
  readonly tvm: Tvm & { readonly lib: { readonly webGPUContext: { readonly device: GPUDevice } } };
  getCurRoundDecodingTotalTokens(): number;
  /** Chooses the token that comes next. web-llm calls it at each step, on this very object. */
  sampleFromRawLogits(logits: Tensor): Promise<number>;
  /** What is to be read. web-llm calls it before each answer, on this very object. */
  getInputData(): Promise<MlcInput>;
  /** Reads tokens as a prompt is read. The logits are of the one that follows; who asks for them disposes of them. */
  forwardKnownTokens(tokenIds: readonly number[], isPrompt: boolean): Promise<Tensor>;
  /** Reads one token as it is read while an answer is written. */
  forwardDecodeToken(tokenId: number): Promise<Tensor>;
  resetChat(): void;
}

/** Pieces of text in tokens, how many tokens they are, and the size of an image, of which there is none. */
export type MlcInput = [pieces: number[][], count: number, sizeOf: (image: never) => number];

/** What is used of TVM's runtime. Tensors that are made in a scope are gone when it ends. */
export interface Tvm {
  cpu(): object;
  empty(shape: readonly number[], dtype: string, device: object): Tensor;
  beginScope(): void;
  endScope(): void;
  detachFromCurrentScope(tensor: Tensor): Tensor;
}

export interface Tensor {
  readonly shape: readonly number[];
  readonly dtype: string;
  copyFrom(tensor: Tensor): Tensor;
  toArray(): unknown;
  dispose(): void;
}

/** Throws `engine_failed` when this is not the web-llm that it was written for. */
export function pipelineOf(engine: MLCEngine, modelId: string): MlcPipeline {
  const found: unknown = engine;
  if (!v.is(EngineSchema, found)) {
    throw unfit();
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

/** What a tensor on the graphics card holds. Throws engine_failed for anything but floats of 32 bits. */
export async function numbersOf({ tvm, device }: MlcPipeline, onCard: Tensor): Promise<Float32Array> {
  tvm.beginScope();
  const here = tvm.detachFromCurrentScope(tvm.empty(onCard.shape, onCard.dtype, tvm.cpu()).copyFrom(onCard));
  tvm.endScope();
  try {
    await device.sync();
    const numbers = here.toArray();
    if (!(numbers instanceof Float32Array)) throw unfit();
    return numbers;
  } finally {
    here.dispose();
  }
}

function unfit(): MeshError {
  return new MeshError(
    'engine_failed',
    'This page and its web-llm do not fit together. Reload the page; if this comes back, choose a GGUF model.',
  );
}
