/** How a model's files get to where web-llm looks for them. */
import type { CatalogueModel } from '@llmesh/core/policy/catalogue';
import type { ModelRecord } from '@mlc-ai/web-llm';
import type { EngineSettings } from '../../state/device/engine-settings.ts';
import type { OnProgress } from '../common/adapter.ts';

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
