/** How much of the processors other programs use. */
import os from 'node:os';

/** Milliseconds of all processors together, counted from any start. */
export interface CpuTimes {
  totalMs: number;
  busyMs: number;
  /** The milliseconds of this process. */
  ownMs: number;
}

export function realCpuTimes(): CpuTimes {
  let totalMs = 0;
  let idleMs = 0;
  for (const { times } of os.cpus()) {
    totalMs += times.user + times.nice + times.sys + times.idle + times.irq;
    idleMs += times.idle;
  }
  const own = process.cpuUsage();
  return { totalMs, busyMs: totalMs - idleMs, ownMs: (own.user + own.system) / 1000 };
}

/** The share between two looks, 0 to 1; null when no time was counted. */
export function othersShare(before: CpuTimes, after: CpuTimes): number | null {
  const totalMs = after.totalMs - before.totalMs;
  if (totalMs <= 0) return null;
  const othersMs = after.busyMs - before.busyMs - (after.ownMs - before.ownMs);
  return Math.min(1, Math.max(0, othersMs / totalMs));
}
