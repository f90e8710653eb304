/** How a model's files get to where web-llm looks for them. */
import type { CatalogueModel, MlcModel } from '@llmesh/core/policy/catalogue';
import type { ModelRecord } from '@mlc-ai/web-llm';
import type { EngineSettings } from '../../state/device/engine-settings.ts';
import type { OnProgress } from '../common/adapter.ts';
import { readMirrorEntry } from '../common/mirror-manifest.ts';
import { fetchMlcFiles } from './mlc-files.ts';
import { recordFor } from './mlc-record.ts';

export interface MlcFiles {
  record: ModelRecord;
  /** Of the weights. */
  totalBytes: number;
  /** To be called when web-llm has read them. */
  read: () => Promise<void>;
}

export type MlcSource<M extends CatalogueModel> = (
  model: M,
  settings: EngineSettings,
  onProgress: OnProgress,
  signal: AbortSignal,
) => Promise<MlcFiles>;

/** The models of web-llm's own list, which stay in its caches. */
export const prebuilt: MlcSource<MlcModel> = async (model, settings, onProgress, signal) => {
  const pins = await readMirrorEntry(settings.mirror, model.source, signal);
  const record = recordFor(model, settings, pins);
  const totalBytes = await fetchMlcFiles(record, pins, onProgress, signal);
  return { record, totalBytes, read: async () => {} };
};
