/** Reads the sensors of this computer: rates are counted from one look to the next. */
import { linuxOnBattery, macOnBattery } from './battery.ts';
import { othersShare, type CpuTimes } from './cpu-load.ts';
import { linuxHeadroomCelsius, macThrottled } from './heat.ts';
import type { RunCommand } from './machine-command.ts';
import type { MachineFiles } from './machine-files.ts';
import { linuxMemory, macMemory, type MemoryCounters } from './memory-counters.ts';
import { linuxOwnerIdleMs, macOwnerIdleMs } from './owner-idle.ts';
import type { MachineReading } from './machine-reading.ts';

/** Where pages are larger, as on some ARM computers, swapping is underestimated. */
const LINUX_PAGE_BYTES = 4096;
/** Rates over a shorter time mean nothing. */
const SHORTEST_MS = 100;

export interface MachineSensorsOptions {
  platform: NodeJS.Platform;
  /** Whether to look for its owner, too, which takes a process each time. */
  watchesOwner: boolean;
  files: MachineFiles;
  run: RunCommand;
  cpuTimes: () => CpuTimes;
  /** Monotonic. */
  nowMs: () => number;
  /** Milliseconds since 1970. */
  dateMs: () => number;
}

type Counted = Omit<MachineReading, 'othersCpuShare' | 'swapBytesPerSecond' | 'majorFaultsPerSecond'> & {
  memory: MemoryCounters;
};

interface Look {
  atMs: number;
  cpu: CpuTimes;
  memory: MemoryCounters;
}

const NO_MEMORY: MemoryCounters = { swappedBytes: null, majorFaults: null, stallShare: null };

export class MachineSensors {
  readonly #options: MachineSensorsOptions;
  #before: Look | null = null;

  constructor(options: MachineSensorsOptions) {
    this.#options = options;
  }

  /** Never rejects: what cannot be read is unknown. One at a time. */
  async look(signal: AbortSignal): Promise<MachineReading> {
    const { memory, ...rest } = await this.#count(signal);
    const now = { atMs: this.#options.nowMs(), cpu: this.#options.cpuTimes(), memory };
    const before = this.#before;
    const seconds = before === null ? 0 : (now.atMs - before.atMs) / 1000;
    if (before !== null && seconds * 1000 < SHORTEST_MS) {
      return { ...rest, othersCpuShare: null, swapBytesPerSecond: null, majorFaultsPerSecond: null };
    }
    this.#before = now;
    return {
      ...rest,
      othersCpuShare: before === null ? null : othersShare(before.cpu, now.cpu),
      swapBytesPerSecond: rate(before?.memory.swappedBytes, memory.swappedBytes, seconds),
      majorFaultsPerSecond: rate(before?.memory.majorFaults, memory.majorFaults, seconds),
    };
  }

  async #count(signal: AbortSignal): Promise<Counted> {
    const { platform, watchesOwner, files, run, dateMs } = this.#options;
    const ask = async (command: string, args: string[]) => (watchesOwner ? run(command, args, signal) : null);
    if (platform === 'linux') {
      const [session, onBattery, headroomCelsius, memory] = await Promise.all([
        ask('loginctl', ['show-session', '--property=IdleHint', '--property=IdleSinceHint']),
        linuxOnBattery(files),
        linuxHeadroomCelsius(files),
        linuxMemory(files, LINUX_PAGE_BYTES),
      ]);
      const ownerIdleMs = linuxOwnerIdleMs(session, dateMs());
      return { ownerIdleMs, onBattery, headroomCelsius, throttled: null, memory, memoryStallShare: memory.stallShare };
    }
    if (platform === 'darwin') {
      const [input, power, heat, pages] = await Promise.all([
        ask('ioreg', ['-c', 'IOHIDSystem', '-d', '4']),
        run('pmset', ['-g', 'batt'], signal),
        run('pmset', ['-g', 'therm'], signal),
        run('vm_stat', [], signal),
      ]);
      const memory = macMemory(pages);
      return {
        ownerIdleMs: macOwnerIdleMs(input),
        onBattery: macOnBattery(power),
        headroomCelsius: null,
        throttled: macThrottled(heat),
        memory,
        memoryStallShare: memory.stallShare,
      };
    }
    const unknown = { ownerIdleMs: null, onBattery: null, headroomCelsius: null, throttled: null };
    return { ...unknown, memory: NO_MEMORY, memoryStallShare: null };
  }
}

/** Null without two values; counters that went back were reset. */
function rate(before: number | null | undefined, now: number | null, seconds: number): number | null {
  if (before === null || before === undefined || now === null || now < before) return null;
  return (now - before) / seconds;
}
