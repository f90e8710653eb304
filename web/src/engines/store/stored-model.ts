/** The content that a model of the catalogue is kept as. Reading locks nothing, so that the page and every worker may. */
import type { CatalogueModel } from '@llmesh/core/policy/catalogue';
import { ContentFolder } from './content-folder.ts';
import { sha256Of } from './summary.ts';

/** Null: it is not here, or not whole. */
export async function storedModel(
  root: FileSystemDirectoryHandle,
  model: CatalogueModel,
): Promise<ContentFolder | null> {
  const pinned = model.content === undefined ? null : await ContentFolder.find(root, model.content);
  if (pinned !== null && (await pinned.isWhole())) return pinned;
  for (const folder of await ContentFolder.all(root)) {
    if ((await isThat(folder, model)) && (await folder.isWhole())) return folder;
  }
  return null;
}

/** Without the content id: by the hash of its file, or because it was moved into the store under that name. */
async function isThat(folder: ContentFolder, model: CatalogueModel): Promise<boolean> {
  if (model.format === 'gguf') return model.sha256 !== null && sha256Of(folder.manifest) === model.sha256;
  return model.content === undefined && (await folder.source()) === model.source;
}
