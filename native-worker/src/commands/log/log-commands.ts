/** `llmesh verify` and `llmesh witness`. */
import { InvalidArgumentError, type Command } from 'commander';
import { endProcess } from '../../cli/guard-link.ts';
import { Output } from '../../cli/output.ts';
import { DEFAULT_MESH } from '../../node/mesh-address.ts';
import { meshOption, place, whole } from '../flags.ts';
import type { VerifyCommandOptions } from './verify-command.ts';
import type { WitnessCommandOptions } from './witness-command.ts';

const DATA = 'where what was verified and signed is remembered (default: $LLMESH_DATA or ~/.llmesh)';

export function addLogCommands(command: (name: string, description: string) => Command): void {
  command('verify', 'Recount the credits of a mesh from its log, and say whether it told the truth.')
    .argument('[mesh]', 'its address, or a folder with its log', DEFAULT_MESH)
    .option(
      '--policy <file>',
      'whom to believe, from somebody you trust (default: what the mesh said the first time)',
      place,
    )
    .option('--since <file>', 'a checkpoint that you or somebody else saw before: the log has to continue it', place)
    .option('--vote <n>', 'count the vote on the proposal that is event number n', whole(0, Number.MAX_SAFE_INTEGER))
    .option('--all', 'recount from the first event on, whatever was verified before')
    .option('--data <folder>', DATA)
    .option('--json', 'as one JSON object')
    .addHelpText(
      'after',
      `
Exit code 4: the mesh does not tell the truth. See docs/verify.md for what is checked.

Examples:
  llmesh verify https://mesh.example
  llmesh verify https://mesh.example --policy mesh.policy --json`,
    )
    .action(async (from: string, { json, ...options }: VerifyCommandOptions & { json?: boolean }) => {
      const { runVerify } = await import('./verify-command.ts');
      process.exitCode = await runVerify(from, options, new Output(json === true), stopSignal());
    });

  command(
    'witness',
    'Sign what the log of a mesh says, each time only if it continues what was signed before. Until Ctrl-C.',
  )
    .addOption(meshOption())
    .option('--listen <host:port>', 'let logs come by HTTP (default: over the connection to the mesh)', listenAt)
    .option('--policy <file>', 'which logs are signed (default: that of the mesh, as it said the first time)', place)
    .option('--data <folder>', DATA)
    .option('--json', 'one JSON object a line: ready, signed, refused, fork, connection, error')
    .addHelpText(
      'after',
      `
Its first line is for the policy of the mesh, which its operator keeps. See docs/verify.md.

Examples:
  llmesh witness --mesh https://mesh.example
  llmesh witness --mesh https://mesh.example --listen 0.0.0.0:7090`,
    )
    .action(async ({ json, ...options }: WitnessCommandOptions & { json?: boolean }) => {
      const { runWitness } = await import('./witness-command.ts');
      await endProcess(await runWitness(options, new Output(json === true), stopSignal()));
    });
}

function stopSignal(): AbortSignal {
  const stop = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(name, () => stop.abort());
  return stop.signal;
}

function listenAt(text: string): { host: string; port: number } {
  const [, host, port] = /^(\[[0-9a-fA-F:]+\]|[^:[\]]+):(\d{1,5})$/.exec(text) ?? [];
  if (host === undefined || Number(port) > 65_535)
    throw new InvalidArgumentError('Write an address and a port, as in 127.0.0.1:7090 or [::]:7090.');
  return { host: host.replace(/^\[|\]$/g, ''), port: Number(port) };
}
