/** How much of the processor a container may use: `--cpus` of Docker, limits of Kubernetes, CPUQuota of systemd. */
import { readFileSync } from 'node:fs';
import path from 'node:path';

const ROOT = 'sys/fs/cgroup';

/** In processors, as 1.5; Infinity where there is no limit, or none that we can see. `root`: the root of /proc and /sys. */
export function cpuQuota(root = '/'): number {
  const read = (...names: string[]) => {
    try {
      return readFileSync(path.join(root, ...names), 'utf8').trim();
    } catch {
      // The files differ from system to system.
      return null;
    }
  };
  let most = Infinity;
  for (const line of (read('proc/self/cgroup') ?? '').split('\n')) {
    const [, controllers = '', group = ''] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
    if (controllers === '') {
      // Documentation/admin-guide/cgroup-v2.rst: "$MAX $PERIOD", in microseconds.
      for (const folder of upwards(group)) {
        const [max, period] = (read(ROOT, folder, 'cpu.max') ?? '').split(' ');
        most = Math.min(most, share(max, period));
      }
    } else if (controllers.split(',').includes('cpu')) {
      for (const mount of [controllers, 'cpu', 'cpu,cpuacct']) {
        for (const folder of upwards(group)) {
          const at = (name: string) => read(ROOT, mount, folder, name) ?? undefined;
          most = Math.min(most, share(at('cpu.cfs_quota_us'), at('cpu.cfs_period_us')));
        }
      }
    }
  }
  return most;
}

/** The group and all above it, each of which may set a limit; the last one is a container's own. */
function upwards(group: string): string[] {
  const parts = group.split('/').filter((part) => part !== '' && part !== '..');
  return Array.from({ length: parts.length + 1 }, (_, i) => parts.slice(0, parts.length - i).join('/'));
}

function share(max: string | undefined, period: string | undefined): number {
  const processors = Number(max) / Number(period);
  // "max", -1, and missing values set no limit.
  return processors > 0 && Number.isFinite(processors) ? processors : Infinity;
}
