/** An MLC model from the store: every file of it was checked against its manifest before web-llm sees it. */
import { MeshError } from '@llmesh/core/base/errors';
import type { MlcModel } from '@llmesh/core/policy/catalogue';
import { prebuiltAppConfig, type ModelRecord } from '@mlc-ai/web-llm';
import { fileSystem } from '../files/file-system.ts';
import { storedModel } from '../store/stored-model.ts';
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
