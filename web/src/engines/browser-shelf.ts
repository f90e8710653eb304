/** The models on this device: GGUFs as files, MLC models in the caches of web-llm. */
import type { CatalogueModel, GgufModel, MlcModel } from '@llmesh/core/policy/catalogue';
import type { EngineSettings } from '../state/device/engine-settings.ts';
import type { KeptModel, ModelShelf, StorageQuota } from '../state/device/model-shelf.ts';
import { MLC_CACHES } from './common/storage-names.ts';
import { ggufFileName, isLibraryOf, prebuiltMlcFolder } from './common/model-url.ts';
import { storageQuota } from './common/room.ts';
import type { ModelFiles } from './files/model-files.ts';
import { openModelFiles } from './files/open-files.ts';

export class BrowserShelf implements ModelShelf {
  #files: Promise<ModelFiles> | null = null;

  async lasting(): Promise<boolean> {
    return (await this.#open()).lasting;
  }

  async kept(models: readonly CatalogueModel[], settings: EngineSettings): Promise<KeptModel[]> {
    const files = await this.#open();
    const shards = await cachedUrls();
    const found = await Promise.all(
      models.map((model) => (model.format === 'gguf' ? keptGguf(files, model) : keptMlc(shards, model, settings))),
    );
    return found.filter((kept) => kept !== null);
  }

  async remove(model: CatalogueModel, settings: EngineSettings): Promise<void> {
    if (model.format === 'gguf') {
      await (await this.#open()).remove(ggufFileName(model));
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

  quota(): Promise<StorageQuota | null> {
    return storageQuota();
  }

  #open(): Promise<ModelFiles> {
    return (this.#files ??= openModelFiles());
  }
}

async function keptGguf(files: ModelFiles, model: GgufModel): Promise<KeptModel | null> {
  const file = await files.find(ggufFileName(model));
  return file === null || file.bytes === 0 ? null : { id: model.id, bytes: file.bytes, whole: file.whole };
}

/** Sizes by URL; bodies are not read, so this is quick with gigabytes. Without caches there are no such models. */
async function cachedUrls(): Promise<string[]> {
  let cache: Cache;
  try {
    cache = await caches.open(MLC_CACHES.model);
  } catch {
    return [];
  }
  return (await cache.keys()).map((request) => request.url);
}

async function keptMlc(urls: readonly string[], model: MlcModel, settings: EngineSettings): Promise<KeptModel | null> {
  const prefix = prebuiltMlcFolder(model, settings.mirror);
  const mine = urls.filter((url) => url.startsWith(prefix));
  if (mine.length === 0) return null;
  const cache = await caches.open(MLC_CACHES.model);
  let bytes = 0;
  for (const url of mine) bytes += Number((await cache.match(url))?.headers.get('content-length') ?? 0);
  const manifest: unknown = await (await cache.match(`${prefix}tensor-cache.json`))?.json();
  return { id: model.id, bytes, whole: shardsOf(manifest).every((path) => mine.includes(prefix + path)) };
}

/** The manifest was parsed when it was downloaded; here only its paths matter. */
function shardsOf(manifest: unknown): string[] {
  const records = (manifest as { records?: { dataPath: string }[] } | undefined)?.records ?? [];
  return records.map(({ dataPath }) => dataPath);
}
