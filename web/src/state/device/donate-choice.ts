/** Which model to propose to somebody who has not chosen one. */
import { fits, type CatalogueModel, type Probe } from '@llmesh/core/policy/catalogue';
import type { ModelId } from '@llmesh/core/base/ids';
import type { KeptModel } from './model-shelf.ts';
import { TINY_MODEL } from '../tiny-model.ts';

/** The most to download at the first press of a button. */
const FIRST_DOWNLOAD_BYTES = 1_200_000_000;

/**
 * What was chosen last, if it still fits. Else, on a real graphics card, the largest MLC model that is here or quick to
 * get. Else the tiny model: a processor, or a graphics card emulated on one, is too slow for a good first impression.
 */
export function proposeModel(
  models: readonly CatalogueModel[],
  probe: Probe,
  kept: readonly KeptModel[],
  last: ModelId | null,
): CatalogueModel | null {
  const able = models.filter((model) => fits(model, probe).fits);
  const again = able.find((model) => model.id === last);
  if (again !== undefined) return again;
  if (probe.backend === 'webgpu' && !probe.software) {
    const quick = able.filter((model) => model.format === 'mlc' && model.sizeBytes <= FIRST_DOWNLOAD_BYTES);
    const here = able.filter(
      (model) => model.format === 'mlc' && kept.some(({ id, whole }) => whole && id === model.id),
    );
    const best = largest(here) ?? largest(quick);
    if (best !== null) return best;
  }
  return able.find((model) => model.id === TINY_MODEL) ?? smallest(able);
}

function largest(models: readonly CatalogueModel[]): CatalogueModel | null {
  return models.reduce<CatalogueModel | null>(
    (best, model) => (best === null || model.parameters > best.parameters ? model : best),
    null,
  );
}

function smallest(models: readonly CatalogueModel[]): CatalogueModel | null {
  return models.reduce<CatalogueModel | null>(
    (best, model) => (best === null || model.sizeBytes < best.sizeBytes ? model : best),
    null,
  );
}
