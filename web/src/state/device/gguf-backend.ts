/** Where a GGUF model runs in a browser: decided before it is loaded; the engine reports what it really uses. */
import type { CatalogueModel, Probe } from '@llmesh/core/policy/catalogue';
import { TINY_MODEL } from '../tiny-model.ts';

/** For smaller models a graphics card costs more than it gives, and the processor's arithmetic is the reference. */
const WORTH_A_GPU_PARAMETERS = 50_000_000;

/** web-llm has a library of ours for one GGUF, the tiny model; it computes that file's own weights, so the offer stays the same. */
export function ggufWantsWebLlm(model: Pick<CatalogueModel, 'id'>, probe: Probe): boolean {
  return model.id === TINY_MODEL && probe.backend === 'webgpu';
}

/** Without shader-f16, llama.cpp's WebGPU backend registers no device and falls back silently. */
export function ggufWantsGpu(model: Pick<CatalogueModel, 'parameters'>, probe: Probe): boolean {
  return model.parameters >= WORTH_A_GPU_PARAMETERS && probe.backend === 'webgpu' && probe.f16 && !probe.software;
}
