/** `llmesh worker install`, `uninstall`, `status` and `logs`. They take the flags of `llmesh worker`, and their own. */
import type { Command } from 'commander';
import { whole } from './flags.ts';
import { EXIT_USAGE, reporting } from '../cli/reporting.ts';
import { configArguments } from './worker-config.ts';

export function addWorkerSubcommands(worker: Command): void {
  const subcommand = (name: string, description: string) =>
    worker.command(name).description(description).exitOverride();

  subcommand('install', 'Make the system run the worker with these flags, after every login (systemd, launchd).')
    .option('--allow-root', 'install it for root, too')
    .action(async ({ allowRoot }: { allowRoot?: boolean }) => {
      const args = process.argv.slice(3);
      const options = worker.opts<{ model?: string[]; jobs?: number; data?: string; json?: boolean }>();
      const fromFile = await configArguments(args, worker.options);
      const lends = (one: string) => one.startsWith('--model=') || one.startsWith('--jobs=');
      if (options.model === undefined && options.jobs === undefined && !fromFile.some(lends)) {
        modelMissing(worker);
      }
      const { installService } = await import('./service-command.ts');
      const called = { args, options: worker.options };
      await reporting(options.json === true, (output) =>
        installService(called, { ...options, ...(allowRoot === true && { allowRoot }) }, output),
      );
    });

  subcommand('uninstall', 'Stop the service and remove it; models, identity and settings stay.').action(async () => {
    const { uninstallService } = await import('./service-command.ts');
    const options = worker.opts<{ data?: string; json?: boolean }>();
    await reporting(options.json === true, (output) => uninstallService(options, output));
  });

  subcommand('status', 'Show the worker of this computer, and the service that starts it.').action(async () => {
    const { showWorker } = await import('./worker-status-command.ts');
    const options = worker.opts<{ data?: string; json?: boolean }>();
    await reporting(options.json === true, (output) => showWorker(options, output));
  });

  subcommand('logs', 'Show what the installed worker said.')
    .option('--lines <n>', 'how many of the last lines to show', whole(1, 100_000), 100)
    .option('--follow', 'also show new lines as they come')
    .action(async (options: { lines: number; follow?: boolean }) => {
      const { showLogs } = await import('./service-command.ts');
      await reporting(false, async () => {
        process.exitCode = await showLogs({ ...worker.opts<{ data?: string }>(), ...options });
      });
    });
}

/** Throws, as commander does when something is missing. */
export function modelMissing(worker: Command): never {
  worker.error('error: say which model to lend: --model, or "model" in worker.json; or lend for jobs: --jobs', {
    exitCode: EXIT_USAGE,
  });
}
