/** Jobs of others as something that is lent, beside models: any WebAssembly, each in a process of its own. */
import { JOB_MODEL } from '@llmesh/core/ask/jobs/job-map';
import { MAX_PAGES, type WasmJob } from '@llmesh/core/jobs/job';
import { PAGE_BYTES } from '@llmesh/core/jobs/module';
import { JOB } from '@llmesh/core/tasks/job';
import { MIN_CONTEXT_TOKENS } from '@llmesh/core/wire/model-advert';
import { JobProcesses } from '../jobs/job-process.ts';
import type { LentModel } from './lent-model.ts';

/** The memory that a process takes before its job does. */
const PROCESS_BYTES = 100_000_000;
/** It does nothing: where not even this runs, no job does. */
const TRIAL: WasmJob = {
  module: new Uint8Array(
    // (module (memory (export "memory") 1) (func (export "_start")))
    [
      [0, 97, 115, 109, 1, 0, 0, 0, 1, 4, 1, 96, 0, 0, 3, 2, 1, 0, 5, 3, 1, 0, 1],
      [7, 19, 2, 6, 109, 101, 109, 111, 114, 121, 2, 0, 6, 95, 115, 116, 97, 114, 116, 0, 0],
      [10, 4, 1, 2, 0, 11],
    ].flat(),
  ),
  ...{ args: [], env: [], stdin: new Uint8Array(), files: [], seed: 0 },
  limits: { gas: 100_000, pages: 1, wallMs: 60_000, outputBytes: 0 },
};

/** `slots`: jobs at once. Rejects with engine_failed where this computer cannot hold a process to its limits. */
export async function openLentJobs(slots: number, signal: AbortSignal): Promise<LentModel> {
  const runner = new JobProcesses();
  await runner.runJob(TRIAL, () => {}, signal);
  return {
    engine: Object.assign(runner, { close: async () => {} }),
    advert: {
      id: JOB_MODEL,
      task: JOB,
      name: 'WebAssembly jobs',
      quant: '',
      format: 'none',
      backend: 'cpu',
      contextTokens: MIN_CONTEXT_TOKENS,
      sha256: null,
      tokensPerSecond: null,
      continues: 'none',
    },
    slots,
    memoryBytes: slots * (PROCESS_BYTES + MAX_PAGES * PAGE_BYTES),
    weights: { files: [], isPublic: false },
  };
}
