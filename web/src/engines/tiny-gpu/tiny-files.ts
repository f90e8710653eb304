/**
 * The tiny model for web-llm: from the same GGUF that llama.cpp reads, which is fetched, checked and kept as ever. What web-llm
 * wants of it is made anew for each start, in a tenth of a second, and not kept.
 */
import { MeshError } from '@llmesh/core/base/errors';
import type { GgufModel } from '@llmesh/core/policy/catalogue';
import { readGgufHeader } from '@llmesh/core/gguf/gguf-header';
import libraryUrl from '../../../../models/tiny/gpu/tiny-web-llm.wasm?url';
import { openModelFile } from '../common/model-file.ts';
import { MLC_CACHES } from '../common/storage-names.ts';
import type { MlcSource } from '../web-llm/mlc-source.ts';
import { serveFolder } from '../web-llm/served-files.ts';
import { KEPT_LISTS, mlcFilesOf } from './mlc-files.ts';
import { isTiny } from './tiny-shape.ts';

export const tinyFiles: MlcSource<GgufModel> = async (model, settings, onProgress, signal) => {
  const { origin } = self.location;
  const { file } = await openModelFile(model, settings, onProgress, signal);
  const bytes = new Uint8Array(await file.arrayBuffer());
  const source = { sizeBytes: bytes.byteLength, head: async (length: number) => bytes.subarray(0, length) };
  const header = await readGgufHeader(source, KEPT_LISTS);
  if (!isTiny(header)) throw anotherModel();
  const files = Object.entries(mlcFilesOf(header, bytes)).map(
    ([name, content]) => [name, new Blob([content])] as const,
  );
  const { url, end } = serveFolder('tiny', new Map(files));
  const record = { model_id: model.id, model: url, model_lib: new URL(libraryUrl, origin).href };
  const read = async () => {
    end();
    // The page itself brings the library, so that a newer page has a newer one.
    await (await caches.open(MLC_CACHES.wasm)).delete(record.model_lib);
  };
  return { record, totalBytes: bytes.byteLength, read };
};

function anotherModel(): MeshError {
  return new MeshError(
    'model_wrong_library',
    'This page computes another version of this model on the graphics card. Reload the page, or choose another model.',
  );
}
