import { afterEach, describe, expect, it } from 'vitest';
import { MachineFolder } from '../testing/machine-folder.ts';
import { linuxOnBattery, macOnBattery } from './battery.ts';
import { othersShare, realCpuTimes } from './cpu-load.ts';
import { linuxHeadroomCelsius, macThrottled } from './heat.ts';
import { runCommand, type RunCommand } from './machine-command.ts';
import { MachineFiles } from './machine-files.ts';
import { macMemory } from './memory-counters.ts';
import { MachineSensors } from './machine-sensors.ts';
import { linuxOwnerIdleMs, macOwnerIdleMs } from './owner-idle.ts';

const never = new AbortController().signal;
const POWER = 'sys/class/power_supply';
const THERMAL = 'sys/class/thermal';
const HWMON = 'sys/class/hwmon';
const folders: MachineFolder[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) folder.remove();
});
const folder = (contents: Record<string, string>) => {
  const made = new MachineFolder(contents);
  folders.push(made);
  return made;
};
const files = (contents: Record<string, string>) => new MachineFiles(folder(contents).root);
const NO_COMMANDS: RunCommand = async () => null;

describe('the battery', () => {
  const laptop = (online: string, status: string) => ({
    [`${POWER}/AC/type`]: 'Mains',
    [`${POWER}/AC/online`]: online,
    [`${POWER}/BAT0/type`]: 'Battery',
    [`${POWER}/BAT0/status`]: status,
  });

  it('is what a laptop runs on when nothing is plugged in', async () => {
    expect(await linuxOnBattery(files(laptop('0', 'Discharging')))).toBe(true);
    expect(await linuxOnBattery(files(laptop('1', 'Charging')))).toBe(false);
    // A weak charger helps a little.
    expect(await linuxOnBattery(files(laptop('1', 'Discharging')))).toBe(false);
  });

  it('of a mouse does not count, and a desktop does not know', async () => {
    const mouse = {
      [`${POWER}/hid-1/type`]: 'Battery',
      [`${POWER}/hid-1/scope`]: 'Device',
      [`${POWER}/hid-1/status`]: 'Discharging',
    };
    expect(await linuxOnBattery(files(mouse))).toBeNull();
    expect(await linuxOnBattery(files({}))).toBeNull();
    const unknown = { [`${POWER}/BAT0/type`]: 'Battery', [`${POWER}/BAT0/status`]: 'Unknown' };
    expect(await linuxOnBattery(files(unknown))).toBeNull();
  });

  it('of a Mac, as pmset says', () => {
    expect(macOnBattery("Now drawing from 'Battery Power'\n -InternalBattery-0 (id=1)\t85%; discharging;")).toBe(true);
    expect(macOnBattery("Now drawing from 'AC Power'\n")).toBe(false);
    expect(macOnBattery('')).toBeNull();
    expect(macOnBattery(null)).toBeNull();
  });
});

describe('heat', () => {
  it('is measured against what the hottest sensor calls critical', async () => {
    const machine = {
      [`${THERMAL}/thermal_zone0/temp`]: '60000',
      [`${THERMAL}/thermal_zone0/trip_point_0_type`]: 'passive',
      [`${THERMAL}/thermal_zone0/trip_point_0_temp`]: '55000',
      [`${THERMAL}/thermal_zone0/trip_point_1_type`]: 'critical',
      [`${THERMAL}/thermal_zone0/trip_point_1_temp`]: '100000',
      [`${HWMON}/hwmon0/temp1_input`]: '88000',
      [`${HWMON}/hwmon0/temp1_crit`]: '100000',
      // This sensor does not say what is too hot.
      [`${HWMON}/hwmon0/temp2_input`]: '99000',
      // This sensor is not connected.
      [`${HWMON}/hwmon1/temp1_input`]: '255000',
      [`${HWMON}/hwmon1/temp1_crit`]: '100000',
    };
    expect(await linuxHeadroomCelsius(files(machine))).toBe(12);
  });

  it('is unknown where no sensor says what is too hot, or says nothing readable', async () => {
    expect(await linuxHeadroomCelsius(files({ [`${THERMAL}/thermal_zone0/temp`]: '60000' }))).toBeNull();
    const odd = { [`${HWMON}/hwmon0/temp1_input`]: 'N/A', [`${HWMON}/hwmon0/temp1_crit`]: '100000' };
    expect(await linuxHeadroomCelsius(files(odd))).toBeNull();
  });

  it('of a Mac, as pmset says', () => {
    expect(macThrottled('\tCPU_Scheduler_Limit \t= 100\n\tCPU_Speed_Limit \t= 74\n')).toBe(true);
    expect(macThrottled('\tCPU_Speed_Limit \t= 100\n')).toBe(false);
    expect(macThrottled('Note: No thermal warning level has been recorded\n')).toBe(false);
    expect(macThrottled('Something else')).toBeNull();
  });
});

describe('the owner', () => {
  it('is away since the session says so', () => {
    expect(linuxOwnerIdleMs('IdleHint=yes\nIdleSinceHint=1000000000\n', 1_600_000)).toBe(600_000);
    expect(linuxOwnerIdleMs('IdleHint=no\nIdleSinceHint=0\n', 1_600_000)).toBe(0);
    expect(linuxOwnerIdleMs('', 1_600_000)).toBeNull();
    expect(linuxOwnerIdleMs(null, 1_600_000)).toBeNull();
  });

  it('of a Mac, as ioreg says', () => {
    expect(macOwnerIdleMs('  | |   "HIDIdleTime" = 4511500000\n')).toBe(4511.5);
    expect(macOwnerIdleMs('nothing')).toBeNull();
  });
});

describe('the load of others', () => {
  it('is what is busy and not ours', () => {
    const before = { totalMs: 1_000, busyMs: 500, ownMs: 100 };
    expect(othersShare(before, { totalMs: 2_000, busyMs: 1_300, ownMs: 600 })).toBeCloseTo(0.3);
    expect(othersShare(before, { totalMs: 2_000, busyMs: 1_000, ownMs: 700 })).toBe(0);
    expect(othersShare(before, before)).toBeNull();
  });

  it('is counted on the machine that runs this', () => {
    const before = realCpuTimes();
    // Wait until the system has counted some time.
    while (realCpuTimes().totalMs === before.totalMs);
    const after = realCpuTimes();
    expect(after.ownMs).toBeGreaterThan(before.ownMs);
    expect(othersShare(before, after)).toBeGreaterThanOrEqual(0);
  });
});

describe('a command of the system', () => {
  it('is read, and one that fails or is missing says nothing', async () => {
    expect(await runCommand(process.execPath, ['-p', '6 * 7'], never)).toBe('42\n');
    expect(await runCommand(process.execPath, ['-e', 'process.exit(1)'], never)).toBeNull();
    expect(await runCommand('llmesh-no-such-command', [], never)).toBeNull();
  });
});

describe('a machine', () => {
  const vmstat = (pagesIn: number, pagesOut: number, majorFaults: number) => ({
    'proc/vmstat': `nr_free_pages 1\npgpgin 9\npswpin ${pagesIn}\npswpout ${pagesOut}\npgmajfault ${majorFaults}\npgreuse 5`,
  });
  const pressure = (share: string) => ({
    'proc/pressure/memory': `some avg10=50.00 avg60=0.00 avg300=0.00 total=1\nfull avg10=${share} avg60=0.00 avg300=0.00 total=1`,
  });

  it('of Linux counts swapping and faults from look to look', async () => {
    const linux = folder({ ...vmstat(100, 100, 1_000), ...pressure('12.50') });
    let nowMs = 0;
    const machine = new MachineSensors({
      platform: 'linux',
      watchesOwner: true,
      files: new MachineFiles(linux.root),
      run: async (command) => (command === 'loginctl' ? 'IdleHint=no\nIdleSinceHint=0\n' : null),
      cpuTimes: () => ({ totalMs: nowMs, busyMs: nowMs / 2, ownMs: nowMs / 4 }),
      nowMs: () => nowMs,
      dateMs: () => 0,
    });
    expect(await machine.look(never)).toMatchObject({
      ownerIdleMs: 0,
      memoryStallShare: 0.125,
      onBattery: null,
      headroomCelsius: null,
      throttled: null,
      othersCpuShare: null,
      swapBytesPerSecond: null,
      majorFaultsPerSecond: null,
    });
    nowMs = 2_000;
    linux.write(vmstat(300, 500, 1_600));
    expect(await machine.look(never)).toMatchObject({
      othersCpuShare: 0.25,
      swapBytesPerSecond: 300 * 4096,
      majorFaultsPerSecond: 300,
    });
    // It is too soon for a rate, and the next one counts from before.
    nowMs = 2_001;
    expect(await machine.look(never)).toMatchObject({ swapBytesPerSecond: null });
    nowMs = 4_000;
    expect(await machine.look(never)).toMatchObject({ swapBytesPerSecond: 0, majorFaultsPerSecond: 0 });
    // The computer slept, and its counters began again.
    nowMs = 6_000;
    linux.write(vmstat(0, 0, 0));
    expect(await machine.look(never)).toMatchObject({ swapBytesPerSecond: null, majorFaultsPerSecond: null });
  });

  it('of Apple is asked with its own commands', async () => {
    let swapouts = 1_000;
    let nowMs = 0;
    const run: RunCommand = async (command, args) => {
      switch (`${command} ${args.at(-1) ?? ''}`.trim()) {
        case 'ioreg 4':
          return '"HIDIdleTime" = 2000000000';
        case 'pmset batt':
          return "Now drawing from 'Battery Power'";
        case 'pmset therm':
          return 'CPU_Speed_Limit \t= 60';
        case 'vm_stat':
          return `Mach Virtual Memory Statistics: (page size of 16384 bytes)\nPages free: 5.\nSwapins:  50.\nSwapouts:  ${swapouts}.\n`;
        default:
          return null;
      }
    };
    const machine = new MachineSensors({
      platform: 'darwin',
      watchesOwner: true,
      files: files({}),
      run,
      cpuTimes: realCpuTimes,
      nowMs: () => nowMs,
      dateMs: () => 0,
    });
    await machine.look(never);
    [swapouts, nowMs] = [1_100, 1_000];
    expect(await machine.look(never)).toMatchObject({
      ownerIdleMs: 2_000,
      onBattery: true,
      throttled: true,
      headroomCelsius: null,
      swapBytesPerSecond: 100 * 16384,
      majorFaultsPerSecond: null,
      memoryStallShare: null,
    });
  });

  it('that can tell nothing says so', async () => {
    expect(macMemory('what is this')).toEqual({ swappedBytes: null, majorFaults: null, stallShare: null });
    const machine = new MachineSensors({
      platform: 'win32',
      watchesOwner: true,
      files: files({}),
      run: NO_COMMANDS,
      cpuTimes: realCpuTimes,
      nowMs: () => 0,
      dateMs: () => 0,
    });
    const { othersCpuShare, ...rest } = await machine.look(never);
    expect(othersCpuShare).toBeNull();
    expect(new Set(Object.values(rest))).toEqual(new Set([null]));
  });
});
