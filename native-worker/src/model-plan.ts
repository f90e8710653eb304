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
  /** Positions that are computed in one go, for each slot. */
  chunkTokens: number;
  /** A smaller model that is to be loaded beside it. */
  draft?: GgufFileInfo;
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
  const draft = request.draft === undefined ? null : await GgufInsights.from(request.draft, llama);
  const { machine } = request;
  const alone = remembered((layout) => needOf(insights, layout, request.chunkTokens));
  const both = async (layout: Layout) => {
    const need = await alone(layout);
    if (draft === null) return need;
    const more = await needOf(draft, draftLayout(draft, layout), request.chunkTokens);
    return { ramBytes: need.ramBytes + more.ramBytes, vramBytes: need.vramBytes + more.vramBytes };
  };
  const plan = (estimate: (layout: Layout) => Promise<Need>) =>
    planFit({
      ...request,
      layers: insights.totalLayers,
      trainContextTokens: insights.trainContextSize ?? Infinity,
      estimate,
    });
  const result = await plan(remembered(both));
  if (result.fits) return result.layout;
  const needBytes = result.need.ramBytes + result.need.vramBytes;
  const withoutDraft = draft !== null && (await plan(alone)).fits ? ' Without --draft it fits.' : '';
  throw new DoesNotFit(misfit(needBytes, machine, result.instead) + withoutDraft, needBytes, machine);
}

/** Of a draft beside a model that is loaded like this. All of it is on the graphics card, or nothing: it has to be fast. */
export function draftLayout(draft: GgufInsights, { gpuLayers, contextTokens, slots }: Layout): Layout {
  return {
    gpuLayers: gpuLayers > 0 ? draft.totalLayers : 0,
    contextTokens: Math.min(contextTokens, draft.trainContextSize ?? Infinity),
    slots,
  };
}

async function needOf(insights: GgufInsights, layout: Layout, chunkTokens: number): Promise<Need> {
  const { gpuLayers, contextTokens, slots } = layout;
  const weights = await insights.estimateModelResourceRequirementsV2({ gpuLayers, useMmap: false });
  const context = await insights.estimateContextResourceRequirementsV2({
    contextSize: contextTokens,
    sequences: slots,
    modelGpuLayers: gpuLayers,
    batchSize: chunkTokens * slots,
    useMmap: false,
  });
  return { ramBytes: weights.cpuRam + context.cpuRam, vramBytes: weights.gpuVram + context.gpuVram };
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
