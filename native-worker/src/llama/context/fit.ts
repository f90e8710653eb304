/** How a model is best run with the available memory, and what to say when that is not enough. Plain numbers. */

/** How many answers at once, on a graphics card that holds the whole model: more cost it next to nothing. */
const SLOTS_ON_GPU = [8, 4, 2, 1];
const SLOTS = [4, 2, 1];
/** The default: longer conversations are rare, and their memory is taken from the start. */
const USUAL_CONTEXT_TOKENS = 8192;
/** A part of the model is left to the processor before the context gets shorter than this. */
const COMFORTABLE_CONTEXT_TOKENS = 4096;
/** A shorter context is useless. */
const LEAST_CONTEXT_TOKENS = 512;

/** Memory that a model may take, in bytes. */
export interface Machine {
  ramBytes: number;
  /** 0: no graphics card is used. */
  vramBytes: number;
  /** Whether the graphics card has no memory of its own, and takes what it needs from the rest. */
  unified: boolean;
}

export interface Need {
  ramBytes: number;
  vramBytes: number;
}

export interface Layout {
  /** The layers on the graphics card; the rest compute on the processor. */
  gpuLayers: number;
  contextTokens: number;
  slots: number;
}

export interface FitRequest {
  layers: number;
  /** The context that the model was trained with. */
  trainContextTokens: number;
  machine: Machine;
  /** What the owner insists on; null: what is best. */
  contextTokens: number | null;
  slots: number | null;
  /** What the catalogue plans; null: what is usual. */
  usualContextTokens: number | null;
  estimate: (layout: Layout) => Promise<Need>;
}

export type FitResult =
  | { fits: true; layout: Layout }
  /** `need`: for the smallest layout that was wished for. `instead`: a layout of the same file that would fit. */
  | { fits: false; need: Need; instead: Layout | null };

/**
 * Gives up answers at once first, then the length of conversations. On a graphics card the whole model comes before both,
 * down to a comfortable context; where it does not fit even so, as many layers as fit.
 */
export async function planFit(request: FitRequest): Promise<FitResult> {
  const layout = await bestLayout(request);
  if (layout !== null) return { fits: true, layout };
  const smallest = cheapest(request);
  const insists = request.contextTokens !== null || request.slots !== null;
  return {
    fits: false,
    need: await request.estimate(smallest),
    instead: insists ? await bestLayout({ ...request, contextTokens: null, slots: null }) : null,
  };
}

export function fitsInto({ ramBytes, vramBytes }: Need, machine: Machine): boolean {
  if (vramBytes > machine.vramBytes) return false;
  return (machine.unified ? ramBytes + vramBytes : ramBytes) <= machine.ramBytes;
}

/** All the memory of this machine that a model could take. */
export function availableBytes({ ramBytes, vramBytes, unified }: Machine): number {
  return unified ? Math.max(ramBytes, vramBytes) : ramBytes + vramBytes;
}

/** The largest of `sizes` that would fit where one of `sizeBytes` needs `needBytes`; null: none. Largest first. */
export function largestThatFits<T extends { sizeBytes: number }>(
  editions: readonly T[],
  { sizeBytes, needBytes }: { sizeBytes: number; needBytes: number },
  machine: Machine,
): T | null {
  // The weights shrink with the file; context and buffers stay what they are.
  const besides = Math.max(0, needBytes - sizeBytes);
  const smaller = editions.filter((edition) => edition.sizeBytes > 0 && edition.sizeBytes < sizeBytes);
  return smaller.find((edition) => edition.sizeBytes + besides <= availableBytes(machine)) ?? null;
}

async function bestLayout(request: FitRequest): Promise<Layout | null> {
  const { machine, layers } = request;
  if (machine.vramBytes > 0) {
    const least = Math.min(COMFORTABLE_CONTEXT_TOKENS, contexts(request)[0] ?? 0);
    for (const layout of layouts(request, SLOTS_ON_GPU)) {
      const whole = { ...layout, gpuLayers: layers };
      if (layout.contextTokens >= least && (await fitting(request, whole))) return whole;
    }
  }
  for (const layout of layouts(request, SLOTS)) {
    const gpuLayers = await mostLayers(request, layout);
    if (gpuLayers !== null) return { ...layout, gpuLayers };
  }
  return null;
}

/** Puts as many layers on the graphics card as fit; null when the rest does not fit beside them. */
async function mostLayers(request: FitRequest, layout: Omit<Layout, 'gpuLayers'>): Promise<number | null> {
  const { machine, layers, estimate } = request;
  const onCard = async (gpuLayers: number) => (await estimate({ ...layout, gpuLayers })).vramBytes <= machine.vramBytes;
  let most = 0;
  if (machine.vramBytes > 0) {
    let tooMany = layers + 1;
    while (tooMany - most > 1) {
      const middle = (most + tooMany) >> 1;
      if (await onCard(middle)) most = middle;
      else tooMany = middle;
    }
  }
  return (await fitting(request, { ...layout, gpuLayers: most })) ? most : null;
}

function cheapest(request: FitRequest): Layout {
  const layout = layouts(request, SLOTS).at(-1) ?? { contextTokens: LEAST_CONTEXT_TOKENS, slots: 1 };
  return { ...layout, gpuLayers: 0 };
}

async function fitting({ estimate, machine }: FitRequest, layout: Layout): Promise<boolean> {
  return fitsInto(await estimate(layout), machine);
}

/** The layouts, best first. */
function layouts(request: FitRequest, slots: readonly number[]): Omit<Layout, 'gpuLayers'>[] {
  const choices = request.slots === null ? slots : [request.slots];
  const [longest, ...shorter] = contexts(request);
  if (longest === undefined) return [];
  const last = choices.at(-1) ?? 1;
  return [
    ...choices.map((n) => ({ contextTokens: longest, slots: n })),
    ...shorter.map((contextTokens) => ({ contextTokens, slots: last })),
  ];
}

function contexts({ contextTokens, usualContextTokens, trainContextTokens }: FitRequest): number[] {
  if (contextTokens !== null) return [Math.min(contextTokens, trainContextTokens)];
  const longest = Math.min(usualContextTokens ?? USUAL_CONTEXT_TOKENS, trainContextTokens);
  const found = [longest];
  for (let tokens = longest / 2; tokens >= LEAST_CONTEXT_TOKENS; tokens /= 2) found.push(Math.floor(tokens));
  return found;
}
