/** The models on this device: GGUFs in the origin private file system, MLC models in the caches of web-llm. */
import type { CatalogueModel, GgufModel, MlcModel } from '@llmesh/core/policy/catalogue';
import type { EngineSettings } from '../state/device/engine-settings.ts';
import type { KeptModel, ModelShelf, StorageQuota } from '../state/device/model-shelf.ts';
import { GGUF_FOLDER, MLC_CACHES } from './common/storage-names.ts';
import { ggufFileName, isLibraryOf, prebuiltMlcFolder } from './common/model-url.ts';

export class BrowserShelf implements ModelShelf {
  async kept(models: readonly CatalogueModel[], settings: EngineSettings): Promise<KeptModel[]> {
    const folder = await openFolder();
    const shards = await cachedUrls();
    const found = await Promise.all(
      models.map((model) => (model.format === 'gguf' ? keptGguf(folder, model) : keptMlc(shards, model, settings))),
    );
    return found.filter((kept) => kept !== null);
  }

  async remove(model: CatalogueModel, settings: EngineSettings): Promise<void> {
    if (model.format === 'gguf') {
      const folder = await openFolder();
      const name = ggufFileName(model);
      for (const entry of [name, `${name}.part`]) await folder?.removeEntry(entry).catch(ignoreAbsence);
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

  async quota(): Promise<StorageQuota | null> {
    const { quota, usage } = await navigator.storage.estimate();
    return quota === undefined || usage === undefined ? null : { usedBytes: usage, quotaBytes: quota };
  }
}

async function openFolder(): Promise<FileSystemDirectoryHandle | null> {
  try {
    const root = await navigator.storage.getDirectory();
    return await root.getDirectoryHandle(GGUF_FOLDER, { create: true });
  } catch {
    // A browser that keeps no files has no models either.
    return null;
  }
}

async function keptGguf(folder: FileSystemDirectoryHandle | null, model: GgufModel): Promise<KeptModel | null> {
  const name = ggufFileName(model);
  for (const [entry, whole] of [
    [name, true],
    [`${name}.part`, false],
  ] as const) {
    const handle = await folder?.getFileHandle(entry).catch(ignoreAbsence);
    if (handle) return { id: model.id, bytes: (await handle.getFile()).size, whole };
  }
  return null;
}

/** Sizes by URL; bodies are not read, so this is quick with gigabytes. */
async function cachedUrls(): Promise<string[]> {
  const cache = await caches.open(MLC_CACHES.model);
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

function ignoreAbsence(error: unknown): null {
  if (error instanceof DOMException && error.name === 'NotFoundError') return null;
  throw error;
}
