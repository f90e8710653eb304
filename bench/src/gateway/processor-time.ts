/** What a process has computed so far: on a busy machine the only figure that others do not disturb much. */
import { readFileSync } from 'node:fs';

/** Linux counts in hundredths of a second for everybody: USER_HZ, proc_pid_stat(5). */
const TICK_MS = 10;

/** User and system time of all its threads; null where the system does not say. */
export function processorMs(pid: number | null): number | null {
  if (pid === null || process.platform !== 'linux') return null;
  // After the name, which may contain anything, comes field 3.
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
}
