/** Where a GGUF model runs in a browser: decided before it is loaded; the engine reports what it really uses. */
import type { CatalogueModel, Probe } from '@llmesh/core/policy/catalogue';

/** For smaller models a graphics card costs more than it gives, and the processor's arithmetic is the reference. */
const WORTH_A_GPU_PARAMETERS = 50_000_000;

/** Without shader-f16, llama.cpp's WebGPU backend registers no device and falls back silently. */
export function ggufWantsGpu(model: Pick<CatalogueModel, 'parameters'>, probe: Probe): boolean {
  return model.parameters >= WORTH_A_GPU_PARAMETERS && probe.backend === 'webgpu' && probe.f16 && !probe.software;
}
