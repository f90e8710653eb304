/** web-llm's own record of a model: where its files are, and what they must be. */
import type { MlcModel } from '@llmesh/core/policy/catalogue';
import { MeshError } from '@llmesh/core/base/errors';
import { prebuiltAppConfig, type ModelRecord } from '@mlc-ai/web-llm';
import type { EngineSettings } from '../../state/device/engine-settings.ts';
import type { MirrorEntry } from '../common/mirror-manifest.ts';
import { mirrored, mlcFolder } from '../common/model-url.ts';
import { MLC_CACHES } from '../common/storage-names.ts';

/** The record, with the files of the mirror if there is one. Throws model_not_found. */
export function recordFor(model: MlcModel, settings: EngineSettings, pins: MirrorEntry): ModelRecord {
  const record = prebuiltAppConfig.model_list.find(({ model_id }) => model_id === model.source);
  if (record === undefined) {
    throw new MeshError(
      'model_not_found',
      'web-llm does not know this model. The catalogue is newer than this page: reload it, or choose another model.',
    );
  }
  const { config, model_lib, tokenizer } = { ...record.integrity, ...pins.integrity };
  return {
    ...record,
    model: mirrored(record.model, settings.mirror),
    model_lib: mirrored(record.model_lib, settings.mirror),
    integrity: {
      ...(config === undefined ? {} : { config }),
      ...(model_lib === undefined ? {} : { model_lib }),
      ...(tokenizer === undefined ? {} : { tokenizer }),
    },
  };
}

/** Forgets files that were refused, so that the next try fetches them again. */
export async function forgetSmallFiles(record: ModelRecord): Promise<void> {
  const folder = mlcFolder(record.model);
  const [config, model, wasm] = await Promise.all([
    caches.open(MLC_CACHES.config),
    caches.open(MLC_CACHES.model),
    caches.open(MLC_CACHES.wasm),
  ]);
  await Promise.all([
    config.delete(`${folder}mlc-chat-config.json`),
    model.delete(`${folder}tokenizer.json`),
    model.delete(`${folder}tokenizer.model`),
    wasm.delete(record.model_lib),
  ]);
}

/** Forgets all of a model. */
export async function forgetModel(record: ModelRecord): Promise<void> {
  const folder = mlcFolder(record.model);
  for (const name of [MLC_CACHES.config, MLC_CACHES.model]) {
    const cache = await caches.open(name);
    for (const { url } of await cache.keys()) if (url.startsWith(folder)) await cache.delete(url);
  }
  await (await caches.open(MLC_CACHES.wasm)).delete(record.model_lib);
}
