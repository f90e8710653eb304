/**
 * The second thread of a contained process. It ends the process when a job takes too much, or when there is nobody left
 * who waits for it: the first thread may stand in native code and hear nothing.
 */
import { Worker } from 'node:worker_threads';

/** What the two threads share: whether a job runs, and its limits. */
export const SHARED = { isBusy: 0, mostCpuMs: 1, mostMb: 2, size: 3 } as const;

/** `parent`: the process that waits for the jobs. Calls `failed` when the thread has ended. */
export function startWatch(shared: Int32Array, parent: number, failed: () => void): void {
  const data: Watched = { shared, at: SHARED, parent };
  // The code is passed as text: a thread would have to find its way to the sources again.
  const code = `(${watch.toString()})(require('node:worker_threads').workerData)`;
  new Worker(code, { eval: true, workerData: data }).on('error', failed);
}

interface Watched {
  shared: Int32Array;
  at: typeof SHARED;
  parent: number;
}

/** Must use nothing of this file. Only SIGKILL helps: libraries catch other signals, and a hanging thread hears none. */
function watch({ shared, at, parent }: Watched): void {
  const lookMs = 20;
  setInterval(() => {
    const { user, system } = process.cpuUsage();
    const takesTooMuch =
      Atomics.load(shared, at.isBusy) === 1 &&
      ((user + system) / 1_000 > Atomics.load(shared, at.mostCpuMs) ||
        process.memoryUsage.rss() / 1_000_000 > Atomics.load(shared, at.mostMb));
    if (takesTooMuch || process.ppid !== parent) process.kill(process.pid, 'SIGKILL');
  }, lookMs);
}
