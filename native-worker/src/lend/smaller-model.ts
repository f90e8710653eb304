/** What to run instead of a model that does not fit. */
import type { Catalogue } from '@llmesh/core/policy/catalogue';
import { MeshError } from '@llmesh/core/base/errors';
import { largestThatFits, availableBytes } from '../llama/context/fit.ts';
import type { HuggingFace } from '../models/hugging-face.ts';
import type { DoesNotFit } from '../llama/context/model-plan.ts';
import { isRemote, parseModelSource } from '../models/model-source.ts';
import { megabytes } from '../cli/output.ts';

export interface TooLarge {
  sizeBytes: number;
  /** Where it is downloaded from; null: it is a file of this computer. */
  source: string | null;
}

/** The error with a way out: a smaller edition of the same model, else the largest model of the catalogue that fits. */
export async function withSmaller(
  error: DoesNotFit,
  model: TooLarge,
  catalogue: Catalogue,
  hub: HuggingFace,
  signal: AbortSignal,
): Promise<MeshError> {
  const other = (await smallerEdition(error, model, hub, signal)) ?? fromCatalogue(error, catalogue);
  return new MeshError('out_of_memory', other === null ? error.message : `${error.message} ${other}`, { cause: error });
}

async function smallerEdition(
  { needBytes, machine }: DoesNotFit,
  { source, sizeBytes }: TooLarge,
  hub: HuggingFace,
  signal: AbortSignal,
): Promise<string | null> {
  if (source === null || !isRemote(source)) return null;
  const parsed = parseModelSource(source);
  if (parsed.kind === 'url' || parsed.kind === 'content') return null;
  try {
    const editions = await hub.editions(parsed.repository, signal);
    const edition = largestThatFits(editions, { sizeBytes, needBytes }, machine);
    if (edition === null) return null;
    return `Of the same model, ${edition.quant} would fit, with ${megabytes(edition.sizeBytes)}: --model ${edition.model}`;
  } catch {
    // The hub does not answer, or the mirror has no lists. The catalogue is at hand.
    return null;
  }
}

function fromCatalogue({ machine }: DoesNotFit, { models }: Catalogue): string | null {
  const best = models
    .filter((model) => model.format === 'gguf' && model.memoryBytes <= availableBytes(machine))
    .toSorted((a, b) => b.memoryBytes - a.memoryBytes)[0];
  return best === undefined ? null : `From the catalogue, ${best.name} would fit: --model ${best.id}`;
}
