/** `--max-cpu`: a share of the processor is a number of its threads. */
import os from 'node:os';
import { defaultThreads } from '../../llama/context/llama-device.ts';
import { cpuQuota } from '../../sensors/cpu-quota.ts';

/** As many threads as asked for, within the share; at least one. Undefined when neither is said. */
export function threadsWithin(
  { threads, maxCpu }: { threads?: number; maxCpu?: number },
  cores = Math.min(os.availableParallelism(), cpuQuota()),
): { threads?: number } {
  if (maxCpu === undefined) return threads === undefined ? {} : { threads };
  const most = Math.max(1, Math.floor((cores * maxCpu) / 100));
  return { threads: Math.min(threads ?? defaultThreads(), most) };
}
