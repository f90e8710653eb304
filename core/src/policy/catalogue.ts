/** The models that people are offered: `models/catalogue.json`. A catalogue is our own file or the mesh operator's. */
import * as v from 'valibot';
import { isContentId, isModelId, type ContentId, type ModelId } from '../base/ids.ts';
import type { Backend } from '../wire/model-advert.ts';

const bytes = v.pipe(v.number(), v.integer(), v.minValue(1));

const CommonFields = {
  id: v.custom<ModelId>(isModelId),
  /** "Qwen3 8B" */
  name: v.pipe(v.string(), v.maxLength(80)),
  /** "q4", "f16": as short as a person needs it */
  quant: v.pipe(v.string(), v.maxLength(24)),
  /** One line on what it is good for. */
  summary: v.string(),
  parameters: v.pipe(v.number(), v.integer(), v.minValue(1)),
  /** The size of all files together, as downloaded. */
  sizeBytes: bytes,
  /** Memory for the weights, a context of `contextTokens` and the buffers at run time. */
  memoryBytes: bytes,
  contextTokens: v.pipe(v.number(), v.integer(), v.minValue(128)),
  /** The SPDX id, or the licence's own name. */
  licence: v.string(),
  /** A page about the model, for people. */
  page: v.pipe(v.string(), v.url()),
  /** The SHA-256 of its manifest: with it, every file is checked piece by piece, whoever it comes from. Left out: nobody pinned it. */
  content: v.optional(v.custom<ContentId>(isContentId)),
};

/** One file for llama.cpp: node-llama-cpp on the desktop, wllama in the browser. */
export const GgufModelSchema = v.object({
  ...CommonFields,
  format: v.literal('gguf'),
  /** `hf:user/model/file.gguf`, an https: URL, or a path beginning with `/` on the mesh's own origin. */
  source: v.string(),
  sha256: v.nullable(v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/))),
});

/** A folder of shards and a compiled library for web-llm on WebGPU. */
export const MlcModelSchema = v.object({
  ...CommonFields,
  format: v.literal('mlc'),
  /** The `model_id` in web-llm's prebuilt list, which knows where the weights and the library are. */
  source: v.string(),
  /** Needs the device feature `shader-f16`, whether or not web-llm declares it. */
  f16: v.boolean(),
});

export const CatalogueModelSchema = v.variant('format', [GgufModelSchema, MlcModelSchema]);
export const CatalogueSchema = v.object({ models: v.array(CatalogueModelSchema) });
export type GgufModel = v.InferOutput<typeof GgufModelSchema>;
export type MlcModel = v.InferOutput<typeof MlcModelSchema>;
export type CatalogueModel = v.InferOutput<typeof CatalogueModelSchema>;
export type Catalogue = v.InferOutput<typeof CatalogueSchema>;

/** A decoded JSON value as a catalogue. Throws valibot's error, which names the wrong field, when it is invalid. */
export function parseCatalogue(value: unknown): Catalogue {
  return v.parse(CatalogueSchema, value);
}

export type Fit = { fits: true } | { fits: false; why: string; tooBig?: true };

/** Can a device with this probe run the model in a browser? `why` is for a person. */
export function fits(model: CatalogueModel, probe: Probe): Fit {
  if (probe.barrier === 'wasm') return { fits: false, why: 'needs WebAssembly, which is off in this browser' };
  if (model.format === 'mlc') {
    if (probe.backend !== 'webgpu') {
      const why = probe.barrier === 'https' ? 'graphics cards need https' : 'needs a graphics card (WebGPU)';
      return { fits: false, why };
    }
    if (model.f16 && !probe.f16) return { fits: false, why: 'needs a newer graphics card or driver' };
    if (probe.software && model.parameters > EMULATED_PARAMETERS) {
      return { fits: false, why: 'too slow here: the graphics card is emulated on the processor' };
    }
  } else if (model.sizeBytes > WASM_FILE_BYTES) {
    return { fits: false, why: 'too big for a browser: run it with the llmesh command', tooBig: true };
  }
  if (probe.memoryBytes !== null && model.memoryBytes > probe.memoryBytes) {
    const lacking = ((model.memoryBytes - probe.memoryBytes) / 1e9).toFixed(1);
    return { fits: false, why: `too big, by ${lacking} GB`, tooBig: true };
  }
  return { fits: true };
}

/** An emulated graphics card needs seconds for a token of a larger model, and minutes before the first. */
const EMULATED_PARAMETERS = 200_000_000;
/** wllama reads a file of up to 2 GB; larger ones would have to be split. */
export const WASM_FILE_BYTES = 2_000_000_000;

/**
 * What a browser withholds from the page. wasm: WebAssembly, and so every model · https: graphics cards and threads, since the page
 * came over plain http · isolation: threads, since the page came without the headers that isolate it.
 */
export type Barrier = 'wasm' | 'https' | 'isolation';

export interface Probe {
  /** What would really run, found by requesting a device and not by the mere presence of an API. */
  backend: Backend;
  /** For a person: "Radeon 780M", "SwiftShader (software)", "2 CPU threads". */
  device: string;
  /** A GPU that is emulated on the CPU: it works, slowly. */
  software: boolean;
  /** The device has shader-f16 or better. */
  f16: boolean;
  /** The memory for weights and context; null where the host does not say. */
  memoryBytes: number | null;
  /** The largest single buffer of the device; null where there is no such limit. */
  maxBufferBytes: number | null;
  /** The highest one; absent where nothing is withheld. */
  barrier?: Barrier;
}
