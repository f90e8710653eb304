/** MLC models from the store, every file of which was checked against its manifest before web-llm sees it, and into it. */
import { MeshError } from '@llmesh/core/base/errors';
import type { MlcModel } from '@llmesh/core/policy/catalogue';
import { prebuiltAppConfig, type ModelRecord } from '@mlc-ai/web-llm';
import { fileName } from '../common/download.ts';
import { mlcFolder } from '../common/model-url.ts';
import { MLC_CACHES } from '../common/storage-names.ts';
import { fileSystem } from '../files/file-system.ts';
import { keepFolder, type FolderFile } from '../store/keep-folder.ts';
import { storedModel } from '../store/stored-model.ts';
import { filesOf } from './mlc-files.ts';
import { forgetModel } from './mlc-record.ts';
import type { MlcFiles } from './mlc-source.ts';
import { serveFolder } from './served-files.ts';

/** Null: it is not in the store. Throws model_unreadable for a content that is no such model. */
export async function storedMlc(model: MlcModel): Promise<MlcFiles | null> {
  const root = await fileSystem();
  const folder = root === null ? null : await storedModel(root, model);
  if (folder === null) return null;
  await folder.use();
  const { files } = folder.manifest;
  const library = files.find(({ path }) => path.endsWith('.wasm'));
  if (folder.manifest.format !== 'mlc' || library === undefined) throw noMlc();
  const blobs = await Promise.all(files.map(async ({ path }, i) => [path, await folder.file(i)] as const));
  const { url, urlOf, end } = serveFolder(folder.content, new Map(blobs));
  // Its own checks are of what the mirror or the hub has; ours covered every byte.
  const { integrity: _, ...known } = prebuiltAppConfig.model_list.find(({ model_id }) => model_id === model.source) ?? {
    model_id: model.source,
  };
  const record: ModelRecord = { ...known, model: url, model_lib: urlOf(library.path) };
  const weights = files.filter(({ path }) => path.endsWith('.bin'));
  return {
    record,
    totalBytes: weights.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
    read: async () => end(),
  };
}

function noMlc(): MeshError {
  return new MeshError(
    'model_unreadable',
    'The catalogue names something else than a model for graphics cards here. Its operator must repair it; choose another model.',
  );
}

/**
 * A model that nobody pinned, once web-llm has loaded it from its caches and so found it good: it is moved into the store. Where
 * that cannot be, as without room for a second copy meanwhile, it stays. Rejects when `signal` aborts.
 */
export async function keepMlc(model: MlcModel, record: ModelRecord, signal: AbortSignal): Promise<void> {
  const root = await fileSystem();
  if (root === null) return;
  try {
    const files = await cachedFiles(record, signal);
    const kept = files === null ? null : await keepFolder(root, model.source, files, signal);
    if (kept !== null) await forgetModel(record);
  } catch {
    // It runs all the same, and the next start tries again.
    signal.throwIfAborted();
  }
}

/** Null: the browser has thrown some of them away. */
async function cachedFiles(record: ModelRecord, signal: AbortSignal): Promise<FolderFile[] | null> {
  const folder = mlcFolder(record.model);
  const { config, weights } = await filesOf(record, signal);
  const places = [
    ...config.map((name) => ({ cache: MLC_CACHES.config, url: folder + name, path: name })),
    ...weights.map((name) => ({ cache: MLC_CACHES.model, url: folder + name, path: name })),
    { cache: MLC_CACHES.wasm, url: record.model_lib, path: fileName(record.model_lib) },
  ];
  const files: FolderFile[] = [];
  for (const { cache, url, path } of places) {
    const file = await (await (await caches.open(cache)).match(url))?.blob();
    if (file === undefined) return null;
    files.push({ path, file });
  }
  return files;
}
