/** Counts swapping and page faults since the computer started, and how much its programs wait for memory. */
import type { MachineFiles } from './machine-files.ts';

export interface MemoryCounters {
  swappedBytes: number | null;
  majorFaults: number | null;
  /** See `MachineReading.memoryStallShare`. */
  stallShare: number | null;
}

/** Linux: /proc/vmstat and pressure stall information (Documentation/accounting/psi.rst). */
export async function linuxMemory(files: MachineFiles, pageBytes: number): Promise<MemoryCounters> {
  const [vmstat, pressure] = await Promise.all([files.text('proc/vmstat'), files.text('proc/pressure/memory')]);
  const swapped = sum(field(vmstat, /^pswpin (\d+)$/m), field(vmstat, /^pswpout (\d+)$/m));
  const stall = /^full avg10=(\d+\.\d+) /m.exec(pressure ?? '')?.[1];
  return {
    swappedBytes: swapped === null ? null : swapped * pageBytes,
    majorFaults: field(vmstat, /^pgmajfault (\d+)$/m),
    stallShare: stall === undefined ? null : Number(stall) / 100,
  };
}

/** macOS: reads what `vm_stat` prints. Its page-ins are reads of any file, and no sign of trouble. */
export function macMemory(text: string | null): MemoryCounters {
  const pageBytes = field(text, /page size of (\d+) bytes/);
  const swapped = sum(field(text, /^Swapins:\s+(\d+)\.$/m), field(text, /^Swapouts:\s+(\d+)\.$/m));
  return {
    swappedBytes: swapped === null || pageBytes === null ? null : swapped * pageBytes,
    majorFaults: null,
    stallShare: null,
  };
}

function field(text: string | null, pattern: RegExp): number | null {
  const found = pattern.exec(text ?? '')?.[1];
  return found === undefined ? null : Number(found);
}

function sum(a: number | null, b: number | null): number | null {
  return a === null || b === null ? null : a + b;
}
