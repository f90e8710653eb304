/** `llmesh worker install|uninstall|logs`: the worker as a service of this account. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { MeshError } from '@llmesh/core/base/errors';
import { dataFolder } from '../files/data-folder.ts';
import { homeFolder } from '../files/home-folder.ts';
import { ramReserve, totalRamBytes } from '../llama/context/machine.ts';
import type { Output } from '../cli/output.ts';
import { runTool } from '../service/run-tool.ts';
import { serviceProgram, type CalledWith } from '../service/service-program.ts';
import { serviceOf, type Service } from '../service/service.ts';

/** The service of this account on this computer. Throws MeshError where there is no manager that we know. */
export function hereService(data: string | undefined): Service {
  const home = homeFolder();
  const total = totalRamBytes();
  return serviceOf({
    platform: process.platform,
    home,
    caches: [process.env['XDG_CACHE_HOME'] || path.join(home, '.cache'), path.join(home, '.nv')],
    memoryBytes: Math.floor(total - ramReserve(total)),
    configHome: process.env['XDG_CONFIG_HOME'],
    dataFolder: dataFolder(data),
    uid: process.getuid?.() ?? -1,
    run: runTool,
  });
}

export async function installService(
  called: Pick<CalledWith, 'args' | 'options'>,
  { data, allowRoot }: { data?: string; allowRoot?: boolean },
  output: Output,
): Promise<void> {
  if (process.getuid?.() === 0 && allowRoot !== true) {
    throw new MeshError(
      'identity_unusable',
      'A worker needs no root rights. Install it from an account of its own, or say --allow-root.',
    );
  }
  const service = hereService(data);
  const script = path.resolve(process.argv[1] ?? '');
  const program = serviceProgram({ ...called, node: process.execPath, script, environment: process.env });
  const trouble = await service.install(program);
  const next =
    process.platform === 'linux' && !lingers()
      ? [`To keep it running while you are not logged in: loginctl enable-linger`]
      : [];
  const state =
    trouble === null
      ? `The worker is installed and runs, now and after every login (${service.file}).`
      : `${service.file} is written, but the service could not be started: ${trouble}\nOnce that is fixed, run this command again.`;
  output.print([state, ...next, 'See it: llmesh worker status, llmesh worker logs'].join('\n'), {
    installed: service.file,
    started: trouble === null,
    trouble,
    lingers: lingers(),
  });
  if (trouble !== null) process.exitCode = 1;
}

export async function uninstallService({ data }: { data?: string }, output: Output): Promise<void> {
  const service = hereService(data);
  const removed = await service.uninstall();
  const words = removed
    ? 'The service is stopped and removed. Models, identity and settings stay in the data folder.'
    : 'There was no service here. "llmesh worker install --model <model>" makes one.';
  output.print(words, { uninstalled: removed });
}

/** Hands the terminal to what shows the log. Resolves with its exit code. */
export async function showLogs({
  data,
  lines,
  follow,
}: {
  data?: string;
  lines: number;
  follow?: boolean;
}): Promise<number> {
  const [tool = '', ...args] = hereService(data).logs({ lines, follow: follow === true });
  const child = spawn(tool, args, { stdio: 'inherit' });
  try {
    const [code] = (await once(child, 'exit')) as [number | null];
    return code ?? 1;
  } catch (cause) {
    throw new MeshError(
      'engine_failed',
      `${tool} keeps the log, and it does not run here. Install it, or look for the log by hand.`,
      {
        cause,
      },
    );
  }
}

/** Whether services of this account run without a login (loginctl(1), enable-linger). */
function lingers(): boolean {
  return existsSync(path.join('/var/lib/systemd/linger', os.userInfo().username));
}
