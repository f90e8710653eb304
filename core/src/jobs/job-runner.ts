/** The port behind which jobs run: a process for each in Node, a worker for each in browsers. */
import type { JobOutcome, JobState, WasmJob } from './job.ts';

export interface JobRunner {
  /**
   * Runs the job apart from everything else, and ends whatever it does at its wall time. `checkpoint` hears of states from
   * which it can be resumed. Rejects with a MeshError: unsupported, where it cannot run anywhere; engine_failed and
   * out_of_memory, where it could not run here; cancelled.
   */
  runJob(job: WasmJob, checkpoint: (state: JobState) => void, signal: AbortSignal): Promise<JobOutcome>;
}
