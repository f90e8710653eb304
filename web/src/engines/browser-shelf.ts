/** The models on this device: in the store, or where older versions of the page and web-llm keep them. */
import type { ContentId } from '@llmesh/core/base/ids';
import type { StoredSummary } from '@llmesh/core/models/piece-store';
import type { CatalogueModel, GgufModel, MlcModel } from '@llmesh/core/policy/catalogue';
import type { EngineSettings } from '../state/device/engine-settings.ts';
import type { KeptModel, ModelShelf, StorageQuota } from '../state/device/model-shelf.ts';
import { MLC_CACHES } from './common/storage-names.ts';
import { ggufFileName, prebuiltMlcFolder } from './common/model-url.ts';
import { storageQuota } from './common/room.ts';
import type { ModelFiles } from './files/model-files.ts';
import { fileSystem } from './files/file-system.ts';
import { openModelFiles } from './files/open-files.ts';
import { ContentFolder } from './store/content-folder.ts';
import { summaryOf } from './store/summary.ts';
import { forgetOlder } from './supply/older-places.ts';

export interface BrowserShelfNeeds {
  /** Removes a content from the store of models. Rejects with `busy` while it is in use. */
  removeContent: (content: ContentId) => Promise<void>;
}

export class BrowserShelf implements ModelShelf {
  readonly #needs: BrowserShelfNeeds;
  #files: Promise<ModelFiles> | null = null;

  constructor(needs: BrowserShelfNeeds) {
    this.#needs = needs;
  }

  async lasting(): Promise<boolean> {
    return (await this.#open()).lasting;
  }

  async kept(models: readonly CatalogueModel[], settings: EngineSettings): Promise<KeptModel[]> {
    const [files, stored, shards] = await Promise.all([this.#open(), inStore(), cachedUrls()]);
    const found = await Promise.all(
      models.map(
        async (model) =>
          keptContent(stored, model) ??
          (model.format === 'gguf' ? await keptGguf(files, model) : await keptMlc(shards, model, settings)),
      ),
    );
    return found.filter((kept) => kept !== null);
  }

  async remove(model: CatalogueModel, settings: EngineSettings): Promise<void> {
    for (const stored of await inStore()) {
      if (isOf(stored, model)) await this.#needs.removeContent(stored.content);
    }
    await forgetOlder(model, settings);
  }

  quota(): Promise<StorageQuota | null> {
    return storageQuota();
  }

  #open(): Promise<ModelFiles> {
    return (this.#files ??= openModelFiles());
  }
}

/** `source`: see `ContentFolder`. */
interface Stored extends StoredSummary {
  source: string | null;
}

async function inStore(): Promise<Stored[]> {
  const root = await fileSystem();
  const folders = root === null ? [] : await ContentFolder.all(root);
  return await Promise.all(
    folders.map(async (folder) => ({ ...(await summaryOf(folder, null)), source: await folder.source() })),
  );
}

function isOf({ content, sha256, source }: Stored, model: CatalogueModel): boolean {
  if (content === model.content) return true;
  return model.format === 'gguf'
    ? sha256 !== null && sha256 === model.sha256
    : model.content === undefined && source === model.source;
}

function keptContent(stored: readonly Stored[], model: CatalogueModel): KeptModel | null {
  const mine = stored.filter((summary) => isOf(summary, model));
  const best = mine.find(({ whole }) => whole) ?? mine.toSorted((a, b) => b.loadedBytes - a.loadedBytes)[0];
  if (best === undefined || best.loadedBytes === 0) return null;
  return { id: model.id, bytes: best.loadedBytes, whole: best.whole };
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
