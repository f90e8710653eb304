/** web-llm with everything that it runs: its own models, and the tiny one, whose library is ours. */
import type { CatalogueModel } from '@llmesh/core/policy/catalogue';
import type { Adapter } from './common/adapter.ts';
import { tinyFiles } from './tiny-gpu/tiny-files.ts';
import { prebuilt } from './web-llm/prebuilt.ts';
import { WebLlmEngine } from './web-llm/web-llm-engine.ts';

export function webLlmFor(format: CatalogueModel['format']): Adapter<never> {
  return format === 'mlc' ? new WebLlmEngine(prebuilt) : new WebLlmEngine(tinyFiles);
}
