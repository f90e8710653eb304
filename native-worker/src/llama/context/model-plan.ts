/** Plans how a model is loaded, or says why not. The numbers are llama.cpp's own, for this very file. */
import { GgufInsights, type GgufFileInfo, type Llama } from 'node-llama-cpp';
import { MeshError } from '@llmesh/core/base/errors';
import { planFit, availableBytes, type Layout, type Machine, type Need } from './fit.ts';
import { megabytes } from '../../cli/output.ts';
import type { AdapterCapacity } from '@llmesh/core/engine/engine';

export interface PlanRequest {
  contextTokens: number | null;
  slots: number | null;
  usualContextTokens: number | null;
  machine: Machine;
  /** How many positions each slot computes in one go; null: all, as a model that embeds must. */
  chunkTokens: number | null;
  /** The adapters that memory is kept for; `bytes`: the size of their weights. Left out: none. */
  adapters?: { capacity: (slots: number) => AdapterCapacity; bytes: number };
  /** A smaller model that will be loaded beside it. */
  draft?: GgufFileInfo;
}

const NO_ADAPTERS: AdapterCapacity = { adapters: 0, slots: 0 };

/** The model does not fit; the numbers help to find a smaller one. */
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

export interface Plan extends Layout {
  /** The need of the computer's own memory, without a graphics card's. */
  memoryBytes: number;
}

/** Throws DoesNotFit, or what the library throws at a damaged file. */
export async function planModel(llama: Llama, info: GgufFileInfo, request: PlanRequest): Promise<Plan> {
  const insights = await GgufInsights.from(info, llama);
  const draft = request.draft === undefined ? null : await GgufInsights.from(request.draft, llama);
  const { machine } = request;
  const alone = remembered(async ({ gpuLayers, contextTokens, slots }: Layout): Promise<Need> => {
    const weights = await insights.estimateModelResourceRequirementsV2({ gpuLayers, useMmap: false });
    const contextFor = (sequences: number) =>
      insights.estimateContextResourceRequirementsV2({
        contextSize: contextTokens,
        sequences,
        modelGpuLayers: gpuLayers,
        batchSize: (request.chunkTokens ?? contextTokens) * sequences,
        isEmbeddingContext: request.chunkTokens === null,
        useMmap: false,
      });
    const context = await contextFor(slots);
    const need = { ramBytes: weights.cpuRam + context.cpuRam, vramBytes: weights.gpuVram + context.gpuVram };
    const capacity = request.adapters?.capacity(slots) ?? NO_ADAPTERS;
    if (capacity.adapters === 0) return need;
    const each = await contextFor(capacity.slots);
    const bytes = request.adapters?.bytes ?? 0;
    return {
      ramBytes: need.ramBytes + capacity.adapters * each.cpuRam + (gpuLayers > 0 ? 0 : bytes),
      vramBytes: need.vramBytes + capacity.adapters * each.gpuVram + (gpuLayers > 0 ? bytes : 0),
    };
  });
  const withDraft = async (layout: Layout): Promise<Need> => {
    const need = await alone(layout);
    if (draft === null) return need;
    const more = await draftNeed(draft, layout, request.chunkTokens ?? layout.contextTokens);
    return { ramBytes: need.ramBytes + more.ramBytes, vramBytes: need.vramBytes + more.vramBytes };
  };
  const planned = (estimate: (layout: Layout) => Promise<Need>) =>
    planFit({
      ...request,
      layers: insights.totalLayers,
      trainContextTokens: insights.trainContextSize ?? Infinity,
      estimate,
    });
  const estimate = remembered(withDraft);
  const result = await planned(estimate);
  if (result.fits) {
    const { ramBytes, vramBytes } = await estimate(result.layout);
    return { ...result.layout, memoryBytes: machine.unified ? ramBytes + vramBytes : ramBytes };
  }
  const needBytes = result.need.ramBytes + result.need.vramBytes;
  const adapters = request.adapters?.capacity(1).adapters ?? 0;
  const fewer = adapters > 0 ? ' With fewer adapters at once (--lora-cap) it needs less.' : '';
  const without = draft !== null && (await planned(alone)).fits ? ' Without --draft it fits.' : '';
  throw new DoesNotFit(`${misfit(needBytes, machine, result.instead)}${fewer}${without}`, needBytes, machine);
}

/** Plans a draft beside a model that is loaded like this. It is on the graphics card whole or not at all, as it must be fast. */
export function draftLayout(draft: GgufInsights, { gpuLayers, contextTokens, slots }: Layout): Layout {
  return {
    gpuLayers: gpuLayers > 0 ? draft.totalLayers : 0,
    contextTokens: Math.min(contextTokens, draft.trainContextSize ?? Infinity),
    slots,
  };
}

async function draftNeed(draft: GgufInsights, layout: Layout, chunkTokens: number): Promise<Need> {
  const { gpuLayers, contextTokens, slots } = draftLayout(draft, layout);
  const weights = await draft.estimateModelResourceRequirementsV2({ gpuLayers, useMmap: false });
  const context = await draft.estimateContextResourceRequirementsV2({
    contextSize: contextTokens,
    sequences: slots,
    modelGpuLayers: gpuLayers,
    batchSize: chunkTokens * slots,
    useMmap: false,
  });
  return { ramBytes: weights.cpuRam + context.cpuRam, vramBytes: weights.gpuVram + context.gpuVram };
}

function misfit(needBytes: number, machine: Machine, instead: Layout | null): string {
  const numbers = `This model needs ${megabytes(needBytes)} of memory, and ${megabytes(availableBytes(machine))} are free for it.`;
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
