/**
 * The tiny model for web-llm: from the same GGUF that llama.cpp reads, which is fetched, checked and kept as ever. What web-llm
 * wants of it is made anew for each start, in a tenth of a second, and not kept.
 */
import { MeshError } from '@llmesh/core/base/errors';
import type { GgufModel } from '@llmesh/core/policy/catalogue';
import { readGgufHeader } from '@llmesh/core/gguf/gguf-header';
import libraryUrl from '../../../../models/tiny/gpu/tiny-web-llm.wasm?url';
import { downloadError } from '../common/download.ts';
import { openGguf } from '../common/gguf-store.ts';
import { ggufUrl, mlcFolder } from '../common/model-url.ts';
import { openModelFiles } from '../files/open-files.ts';
import { MLC_CACHES } from '../common/storage-names.ts';
import type { MlcSource } from '../web-llm/mlc-source.ts';
import { KEPT_LISTS, mlcFilesOf } from './mlc-files.ts';
import { isTiny } from './tiny-shape.ts';

const CONFIG = 'mlc-chat-config.json';

export const tinyFiles: MlcSource<GgufModel> = async (model, settings, onProgress, signal) => {
  const { origin } = self.location;
  const url = ggufUrl(model.source, settings.mirror, origin);
  const file = await openGguf(await openModelFiles(), model, url, onProgress, signal);
  const bytes = new Uint8Array(await file.arrayBuffer());
  const source = { sizeBytes: bytes.byteLength, head: async (length: number) => bytes.subarray(0, length) };
  const header = await readGgufHeader(source, KEPT_LISTS);
  if (!isTiny(header)) throw anotherModel();
  const record = {
    model_id: model.id,
    model: `${origin}/models/tiny/web-llm/`,
    model_lib: new URL(libraryUrl, origin).href,
  };
  const kept: [cache: string, url: string][] = [];
  const read = async () => {
    for (const [cache, url] of kept) await (await caches.open(cache)).delete(url);
    await (await caches.open(MLC_CACHES.wasm)).delete(record.model_lib);
  };
  for (const [name, content] of Object.entries(mlcFilesOf(header, bytes))) {
    const place = [name === CONFIG ? MLC_CACHES.config : MLC_CACHES.model, mlcFolder(record.model) + name] as const;
    const cache = await caches.open(place[0]);
    await cache.put(place[1], new Response(content)).catch(async (cause: unknown) => {
      await read().catch(() => {});
      throw downloadError(cause, place[1]);
    });
    kept.push([...place]);
  }
  return { record, totalBytes: bytes.byteLength, read };
};

function anotherModel(): MeshError {
  return new MeshError(
    'model_wrong_library',
    'This page computes another version of this model on the graphics card. Reload the page, or choose another model.',
  );
}
