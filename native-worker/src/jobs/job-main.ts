/** The process of one job: reads it, runs it, says how it went. It may do nothing else: see `job-process.ts`. */
import { readFileSync, writeSync } from 'node:fs';
import { asMeshError, MeshError } from '@llmesh/core/base/errors';
import { JobSchema } from '@llmesh/core/jobs/job';
import { runJob } from '@llmesh/core/jobs/run-job';
import { readBody } from '@llmesh/core/wire/body';
import { packFrame, type JobFrame } from './job-frames.ts';

/** Between checkpoints that are sent: a job may write one after each step. */
const CHECKPOINT_MS = 5_000;
const STDIN = 0;
const STDOUT = 1;

send(await outcome());
process.exit(0);

async function outcome(): Promise<JobFrame> {
  try {
    if (!isConfined()) throw new MeshError('engine_failed', 'This process may do more than run a job. Update Node.');
    const job = readBody(JobSchema, new Uint8Array(readFileSync(STDIN)));
    if (job === null) throw new MeshError('bad_message', 'That is no job.');
    let nextMs = performance.now() + CHECKPOINT_MS;
    const body = await runJob(job, (state) => {
      if (performance.now() < nextMs) return;
      send({ kind: 'checkpoint', body: state });
      nextMs = performance.now() + CHECKPOINT_MS;
    });
    return { kind: 'outcome', body };
  } catch (thrown) {
    const { code, message } = asMeshError(thrown, 'engine_failed', 'The job broke off on this computer.');
    return { kind: 'failed', body: { code, message: message.slice(0, 1_024) } };
  }
}

/** Whether Node holds this process to what it was started with. */
function isConfined(): boolean {
  const { permission } = process as { permission?: { has: (right: string) => boolean } };
  return (
    permission !== undefined && ['fs.read', 'fs.write', 'child', 'worker'].every((right) => !permission.has(right))
  );
}

/** Waits until it is written: the job holds this thread, and nothing else would be sent. */
function send(frame: JobFrame): void {
  const bytes = packFrame(frame);
  for (let at = 0; at < bytes.byteLength;) at += writeSync(STDOUT, bytes, at);
}
