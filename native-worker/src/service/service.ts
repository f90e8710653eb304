/** What starts the worker at login and again after a crash: systemd on Linux, launchd on macOS. */
import { access, chmod, mkdir, unlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { MeshError } from '@llmesh/core/base/errors';
import { errno } from '../files/whole-file.ts';
import type { RunTool } from './run-tool.ts';
import { WALLS } from './sandbox.ts';
import { LAUNCHD_LABEL, launchdPlist, SYSTEMD_UNIT, systemdUnit, type ServiceProgram } from './service-text.ts';

/** Everybody may read how it is started; launchd refuses files that others can write. */
const FILE_MODE = 0o644;
const FOLDER_MODE = 0o700;

export interface ServicePlace {
  platform: NodeJS.Platform;
  home: string;
  /** $XDG_CONFIG_HOME, where it is set. */
  configHome: string | undefined;
  /** The folder the worker writes to; also its log under launchd, which keeps none itself. */
  dataFolder: string;
  /** Folders in which the worker's libraries keep compiled code. */
  caches: readonly string[];
  /** The most memory that the worker may take. */
  memoryBytes: number;
  /** The account's user id; -1 where there are no such numbers. */
  uid: number;
  run: RunTool;
}

export interface Service {
  readonly file: string;
  /** Writes the file and starts it, now and at every login. Resolves with why that failed; null: it runs. */
  install(program: ServiceProgram): Promise<string | null>;
  /** False when there was none. */
  uninstall(): Promise<boolean>;
  isInstalled(): Promise<boolean>;
  /** The status in the manager's own words: active, failed … */
  state(): Promise<string>;
  /** The program that shows its log, with its arguments. */
  logs(options: { lines: number; follow: boolean }): readonly string[];
}

/** Throws MeshError where we know no service manager. */
export function serviceOf(place: ServicePlace): Service {
  if (place.platform === 'linux') return systemd(place);
  if (place.platform === 'darwin') return launchd(place);
  throw new MeshError(
    'engine_failed',
    'This works with systemd on Linux and launchd on macOS. Here, make your system run "llmesh worker" at login.',
  );
}

function systemd({ home, configHome, dataFolder, caches, memoryBytes, run }: ServicePlace): Service {
  const file = path.join(configHome || path.join(home, '.config'), 'systemd', 'user', SYSTEMD_UNIT);
  const user = (...args: string[]) => run('systemctl', ['--user', ...args]);
  return {
    file,
    async install(program) {
      await mkdir(dataFolder, { recursive: true, mode: FOLDER_MODE });
      const writable = (await hasWalls(run)) ? [dataFolder, ...caches] : null;
      await write(file, systemdUnit(program, { memoryBytes, writable }));
      // Restart, as it may run with the old file. Do not wait: it is up when its model is, which may take hours.
      for (const args of [['daemon-reload'], ['enable', SYSTEMD_UNIT], ['restart', '--no-block', SYSTEMD_UNIT]]) {
        const { ok, output } = await user(...args);
        if (!ok) return output;
      }
      return null;
    },
    async uninstall() {
      // If the manager does not run, there is nothing to stop.
      await user('disable', '--now', SYSTEMD_UNIT);
      const removed = await remove(file);
      await user('daemon-reload');
      return removed;
    },
    isInstalled: () => exists(file),
    async state() {
      return firstLine((await user('is-active', SYSTEMD_UNIT)).output);
    },
    logs: ({ lines, follow }) => [
      ...['journalctl', '--user', '--unit', SYSTEMD_UNIT, '--lines', String(lines), '--output', 'short-iso'],
      ...(follow ? ['--follow'] : []),
    ],
  };
}

/** Whether this user's service can have namespaces: some systems forbid users to make them, and it would not start. */
async function hasWalls(run: RunTool): Promise<boolean> {
  const properties = WALLS.map((wall) => `--property=${wall}`);
  return (await run('systemd-run', ['--user', '--wait', '--quiet', '--collect', ...properties, 'true'])).ok;
}

function launchd({ home, dataFolder, uid, run }: ServicePlace): Service {
  const file = path.join(home, 'Library', 'LaunchAgents', `${LAUNCHD_LABEL}.plist`);
  const logFile = path.join(dataFolder, 'worker.log');
  const domain = `gui/${uid}`;
  return {
    file,
    async install(program) {
      await mkdir(dataFolder, { recursive: true, mode: FOLDER_MODE });
      await write(file, launchdPlist(program, logFile));
      // Stop what runs with the old file first.
      await run('launchctl', ['bootout', `${domain}/${LAUNCHD_LABEL}`]);
      const { ok, output } = await run('launchctl', ['bootstrap', domain, file]);
      return ok ? null : output;
    },
    async uninstall() {
      await run('launchctl', ['bootout', `${domain}/${LAUNCHD_LABEL}`]);
      return remove(file);
    },
    isInstalled: () => exists(file),
    async state() {
      const { ok, output } = await run('launchctl', ['print', `${domain}/${LAUNCHD_LABEL}`]);
      return (ok ? /^\s*state = (.+)$/m.exec(output)?.[1] : null) ?? 'inactive';
    },
    logs: ({ lines, follow }) => ['tail', '-n', String(lines), ...(follow ? ['-F'] : []), logFile],
  };
}

async function exists(file: string): Promise<boolean> {
  try {
    await access(file);
    return true;
  } catch {
    return false;
  }
}

async function write(file: string, text: string): Promise<void> {
  try {
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, text);
    // Otherwise an older file keeps its mode, and a new one gets what the umask leaves.
    await chmod(file, FILE_MODE);
  } catch (thrown) {
    throw new MeshError(
      'storage_full',
      `${file} cannot be written (${errno(thrown) ?? String(thrown)}). Make room or give it to this account.`,
      {
        cause: thrown,
      },
    );
  }
}

async function remove(file: string): Promise<boolean> {
  try {
    await unlink(file);
    return true;
  } catch (thrown) {
    if (errno(thrown) === 'ENOENT' || errno(thrown) === 'ENOTDIR') return false;
    throw new MeshError(
      'storage_full',
      `${file} cannot be removed (${errno(thrown) ?? String(thrown)}). Remove it by hand.`,
      {
        cause: thrown,
      },
    );
  }
}

function firstLine(text: string): string {
  return text.split('\n')[0]?.trim() || 'unknown';
}
