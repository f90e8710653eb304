/** The file of a GGUF model on this device: from the store, or taken into it, or downloaded. */
import { MeshError } from '@llmesh/core/base/errors';
import type { GgufModel } from '@llmesh/core/policy/catalogue';
import type { EngineSettings } from '../../state/device/engine-settings.ts';
import { isOwnModel } from '../../state/models/own-id.ts';
import { fileSystem } from '../files/file-system.ts';
import { openModelFiles } from '../files/open-files.ts';
import type { ContentFolder } from '../store/content-folder.ts';
import { keepFile } from '../store/keep-file.ts';
import { SharedContent } from '../store/shared-content.ts';
import { storedModel } from '../store/stored-model.ts';
import type { OnProgress } from './adapter.ts';
import { downloadError } from './download.ts';
import { isGenuine, openGguf } from './gguf-store.ts';
import { ggufFileName, ggufUrl } from './model-url.ts';

export interface ModelFile {
  file: Blob;
  /** Looks whether the disk still has what it was given. If not, what it lost is fetched anew at the next start. */
  isGenuine(): Promise<boolean>;
}

/** Only in a worker. Rejects as `Loadable.load` does. */
export async function openModelFile(
  model: GgufModel,
  settings: EngineSettings,
  onProgress: OnProgress,
  signal: AbortSignal,
): Promise<ModelFile> {
  const own = isOwnModel(model.id);
  const url = own ? model.source : ggufUrl(model.source, settings.mirror, self.location.origin);
  const root = await fileSystem();
  try {
    const stored = root === null ? null : await storedModel(root, model);
    if (stored !== null) return await fileOf(stored, onProgress);
    if (own) throw gone(model.name);
    const files = await openModelFiles();
    const file = await openGguf(files, model, url, onProgress, signal);
    const kept = root === null ? null : await takenIn(root, model, signal);
    if (kept !== null) return await fileOf(kept, onProgress);
    return { file, isGenuine: () => isGenuine(files, model, signal) };
  } catch (cause) {
    throw downloadError(cause, url);
  }
}

/** Null: it stays where it lies, and can be read there; only others cannot have its pieces from here. Rejects when `signal` aborts. */
async function takenIn(
  root: FileSystemDirectoryHandle,
  model: GgufModel,
  signal: AbortSignal,
): Promise<ContentFolder | null> {
  if (model.sha256 === null) return null;
  try {
    return await keepFile(root, ggufFileName(model), model.sha256, signal);
  } catch {
    // Another tab may be reading it, or the disk has no room for its hashes.
    signal.throwIfAborted();
    return null;
  }
}

function gone(name: string): MeshError {
  return new MeshError(
    'model_not_found',
    `${name} came from your disk, and this browser has lost it. Choose its file again on Models.`,
  );
}

async function fileOf(folder: ContentFolder, onProgress: OnProgress): Promise<ModelFile> {
  const file = await folder.file(0);
  await folder.use();
  onProgress({ phase: 'download', loadedBytes: file.size, totalBytes: file.size });
  return { file, isGenuine: async () => await (await SharedContent.open(folder)).isGenuine() };
}
