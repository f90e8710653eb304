import { afterEach, describe, expect, it } from 'vitest';
import { threadsWithin } from '../lend/policy/cpu-share.ts';
import { defaultThreads } from '../llama/context/llama-device.ts';
import { MachineFolder } from '../testing/machine-folder.ts';
import { cpuQuota } from './cpu-quota.ts';

let folder: MachineFolder | null = null;
afterEach(() => {
  folder?.remove();
  folder = null;
});
const quotaOf = (files: Record<string, string>) => {
  folder = new MachineFolder(files);
  return cpuQuota(folder.root);
};
const V1 = 'sys/fs/cgroup/cpu,cpuacct';

describe('what a container may use of the processor', () => {
  it.each<[string, Record<string, string>, number]>([
    ['nothing is said', {}, Infinity],
    ['there is no limit', { 'proc/self/cgroup': '0::/', 'sys/fs/cgroup/cpu.max': 'max 100000' }, Infinity],
    ['its own group has one', { 'proc/self/cgroup': '0::/', 'sys/fs/cgroup/cpu.max': '150000 100000' }, 1.5],
    [
      'a group above has less',
      {
        'proc/self/cgroup': '0::/user.slice/app',
        'sys/fs/cgroup/user.slice/app/cpu.max': '800000 100000',
        'sys/fs/cgroup/user.slice/cpu.max': '50000 100000',
      },
      0.5,
    ],
    [
      'the groups are of the first kind',
      {
        'proc/self/cgroup': '4:memory:/docker/a\n3:cpu,cpuacct:/docker/a',
        [`${V1}/cpu.cfs_quota_us`]: '400000',
        [`${V1}/cpu.cfs_period_us`]: '100000',
      },
      4,
    ],
    [
      'those have none',
      { 'proc/self/cgroup': '3:cpu:/', 'sys/fs/cgroup/cpu/cpu.cfs_quota_us': '-1', [`${V1}/cpu.cfs_period_us`]: '1' },
      Infinity,
    ],
    ['they make no sense', { 'proc/self/cgroup': '0::/', 'sys/fs/cgroup/cpu.max': 'x 0' }, Infinity],
  ])('is known where %s', (_, files, quota) => {
    expect(quotaOf(files)).toBe(quota);
  });

  it('is a number of threads, one at least', () => {
    expect([
      defaultThreads(16, 2),
      defaultThreads(16, 2.9),
      defaultThreads(16, 0.5),
      defaultThreads(16, Infinity),
    ]).toEqual([2, 2, 1, 15]);
    expect(threadsWithin({ maxCpu: 50 }, 1.5)).toEqual({ threads: 1 });
  });
});
