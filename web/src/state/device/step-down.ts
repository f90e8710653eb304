/** Which model takes the place of one that is too large for this device. */
import type { CatalogueModel } from '@llmesh/core/policy/catalogue';
import type { Choice } from './this-device.svelte.ts';

/** The most to download without being asked. */
const MAX_DOWNLOAD_BYTES = 500_000_000;

/** The largest downloaded model that takes less memory; else the largest that is quick to get. null: there is none. */
export function smallerModel(choices: readonly Choice[], tooLarge: CatalogueModel): CatalogueModel | null {
  const smaller = choices
    .filter(({ model, fit }) => fit.fits && model.memoryBytes < tooLarge.memoryBytes)
    .toSorted((a, b) => b.model.memoryBytes - a.model.memoryBytes);
  const here = smaller.find(({ kept }) => kept?.whole === true);
  return (here ?? smaller.find(({ model }) => model.sizeBytes <= MAX_DOWNLOAD_BYTES))?.model ?? null;
}
