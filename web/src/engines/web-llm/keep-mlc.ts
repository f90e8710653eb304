/**
 * A model that nobody pinned, once web-llm has loaded it from its caches and so found it good: it is moved into the store, where
 * every byte is checked from now on, and from where others can have it.
 */
import type { MlcModel } from '@llmesh/core/policy/catalogue';
import type { ModelRecord } from '@mlc-ai/web-llm';
import { fileName } from '../common/download.ts';
import { mlcFolder } from '../common/model-url.ts';
import { MLC_CACHES } from '../common/storage-names.ts';
import { fileSystem } from '../files/file-system.ts';
import { keepFolder, type FolderFile } from '../store/keep-folder.ts';
import { filesOf } from './mlc-files.ts';
import { forgetModel } from './mlc-record.ts';

/** Where it cannot be moved, as without room for a second copy meanwhile, it stays. Rejects when `signal` aborts. */
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
