/** Before a model is loaded: how, or why not. The numbers are llama.cpp's own, for this very file. */
import { GgufInsights, type GgufFileInfo, type Llama } from 'node-llama-cpp';
import { MeshError } from '@llmesh/core/errors';
import { planFit, roomBytes, type Layout, type Machine, type Need } from './fit.ts';
import { megabytes } from './output.ts';

export interface PlanRequest {
  contextTokens: number | null;
  slots: number | null;
  usualContextTokens: number | null;
  machine: Machine;
  /** Positions that are computed in one go, for each slot; null: all, as a model that embeds has to. */
  chunkTokens: number | null;
}

/** The model does not fit; the numbers are for whoever knows a smaller one. */
export class DoesNotFit extends MeshError {
  readonly needBytes: number;
  readonly machine: Machine;

  constructor(message: string, needBytes: number, machine: Machine) {
    super('out_of_memory', message);
    this.needBytes = needBytes;
    this.machine = machine;
  }
}

/** Without a GPU the weights are repacked for the processor: mapping the file would hold them twice. */
export function useMmap(llama: Llama): false | 'auto' {
  return llama.gpu === false ? false : 'auto';
}

/** Throws DoesNotFit, or what the library throws at a damaged file. */
export async function planModel(llama: Llama, info: GgufFileInfo, request: PlanRequest): Promise<Layout> {
  const insights = await GgufInsights.from(info, llama);
  const { machine } = request;
  const estimate = remembered(async ({ gpuLayers, contextTokens, slots }: Layout): Promise<Need> => {
    const weights = await insights.estimateModelResourceRequirementsV2({ gpuLayers, useMmap: false });
    const context = await insights.estimateContextResourceRequirementsV2({
      contextSize: contextTokens,
      sequences: slots,
      modelGpuLayers: gpuLayers,
      batchSize: (request.chunkTokens ?? contextTokens) * slots,
      isEmbeddingContext: request.chunkTokens === null,
      useMmap: false,
    });
    return { ramBytes: weights.cpuRam + context.cpuRam, vramBytes: weights.gpuVram + context.gpuVram };
  });
  const result = await planFit({
    ...request,
    layers: insights.totalLayers,
    trainContextTokens: insights.trainContextSize ?? Infinity,
    estimate,
  });
  if (result.fits) return result.layout;
  const needBytes = result.need.ramBytes + result.need.vramBytes;
  throw new DoesNotFit(misfit(needBytes, machine, result.instead), needBytes, machine);
}

function misfit(needBytes: number, machine: Machine, instead: Layout | null): string {
  const numbers = `This model needs ${megabytes(needBytes)} of memory, and ${megabytes(roomBytes(machine))} are free for it.`;
  if (instead === null) return `${numbers} Close other programs, or choose a smaller model.`;
  return `${numbers} With --ctx ${instead.contextTokens} --slots ${instead.slots} it fits.`;
}

/** A search asks for the same more than once. */
function remembered(estimate: (layout: Layout) => Promise<Need>): (layout: Layout) => Promise<Need> {
  const known = new Map<string, Promise<Need>>();
  return (layout) => {
    const key = `${layout.gpuLayers} ${layout.contextTokens} ${layout.slots}`;
    let need = known.get(key);
    if (need === undefined) {
      need = estimate(layout);
      known.set(key, need);
    }
    return need;
  };
}
