/** Where older versions of the page kept models: once the store has one, what lies there would only take its room twice. */
import type { CatalogueModel } from '@llmesh/core/policy/catalogue';
import type { EngineSettings } from '../../state/device/engine-settings.ts';
import { ggufFileName, isLibraryOf, prebuiltMlcFolder } from '../common/model-url.ts';
import { MLC_CACHES } from '../common/storage-names.ts';
import { openModelFiles } from '../files/open-files.ts';

/** Idempotent. Rejects with `busy` while another tab reads it there. */
export async function forgetOlder(model: CatalogueModel, settings: EngineSettings): Promise<void> {
  if (model.format === 'gguf') {
    await (await openModelFiles()).remove(ggufFileName(model));
    return;
  }
  const prefix = prebuiltMlcFolder(model, settings.mirror);
  for (const name of [MLC_CACHES.config, MLC_CACHES.model]) {
    const cache = await caches.open(name);
    for (const request of await cache.keys()) if (request.url.startsWith(prefix)) await cache.delete(request);
  }
  // Compiled libraries are in another cache, named after the model.
  const cache = await caches.open(MLC_CACHES.wasm);
  for (const request of await cache.keys()) if (isLibraryOf(model, request.url)) await cache.delete(request);
}
