/** A process that runs jobs, one at a time, until its parent is gone: see `ContainedProcess`. */
import { asMeshError } from '@llmesh/core/base/errors';
import { JOB_LIMITS, type Job, type JobMessage, type Reply, type Role } from './jobs.ts';
import { SHARED, startWatch } from './watch.ts';

process.on('disconnect', () => process.exit(0));
// The parent may have gone already.
if (!process.connected) process.exit(0);
const shared = new Int32Array(new SharedArrayBuffer(SHARED.size * 4));
const [, , role, parent] = process.argv;
startWatch(shared, Number(parent), () => process.exit(1));

const run = await runnerOf(role as Role);

process.on('message', ({ job }: JobMessage) => {
  void answer(job).then(send);
});
send({ ready: true });

/** It loads what the jobs of its role need, and nothing else. */
async function runnerOf(own: Role): Promise<(job: Job) => Promise<string[]>> {
  switch (own) {
    case 'templates':
      return (await import('./render-job.ts')).renderJob;
    case 'schemas':
      return (await import('./value-job.ts')).valueJob;
    case 'llama':
      return (await import('./llama-jobs.ts')).openLlamaJobs();
    default:
      return own satisfies never;
  }
}

async function answer(job: Job): Promise<Reply> {
  const { cpuMs, memoryBytes } = JOB_LIMITS[job.kind];
  const { user, system } = process.cpuUsage();
  Atomics.store(shared, SHARED.mostCpuMs, (user + system) / 1_000 + cpuMs);
  Atomics.store(shared, SHARED.mostMb, (process.memoryUsage.rss() + memoryBytes) / 1_000_000);
  Atomics.store(shared, SHARED.isBusy, 1);
  try {
    return { texts: await run(job) };
  } catch (thrown) {
    const { code, message } = asMeshError(thrown, 'engine_failed', String(thrown));
    return { code, message: message.slice(0, 4_096) };
  } finally {
    Atomics.store(shared, SHARED.isBusy, 0);
  }
}

function send(reply: Reply): void {
  process.send?.(reply, undefined, undefined, () => {});
}
