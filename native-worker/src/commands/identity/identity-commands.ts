/** `llmesh identity show`, `export` and `import`. */
import type { Command } from 'commander';
import { reporting } from '../../cli/reporting.ts';

interface IdentityOptions {
  data?: string;
  json?: boolean;
}

export function addIdentityCommands(command: (name: string, description: string) => Command): void {
  const identity = command('identity', 'Show, export or import who this computer is on every mesh.').addHelpText(
    'after',
    `
Environment:
  LLMESH_DATA        as --data
  LLMESH_PASSPHRASE  instead of being asked for it

Examples:
  llmesh identity export > my-computer.key
  llmesh identity import my-computer.key`,
  );

  const subcommand = (name: string, description: string) =>
    identity
      .command(name)
      .description(description)
      .option('--data <folder>', 'where the identity is kept (default: $LLMESH_DATA or ~/.llmesh)')
      .option('--json', 'as one JSON object');

  subcommand('show', 'Show the name, the fingerprint and the peer id.').action(
    async ({ data, json }: IdentityOptions) => {
      const { showIdentity } = await import('./identity-command.ts');
      await reporting(json === true, (output) => showIdentity(data, output));
    },
  );

  subcommand('export', 'Print the secret key, protected by a passphrase.').action(
    async ({ data, json }: IdentityOptions) => {
      const { exportIdentity } = await import('./identity-command.ts');
      await reporting(json === true, (output) => exportIdentity(data, output));
    },
  );

  subcommand('import', 'Bring an exported key to this computer.')
    .argument('<key>', 'the exported text, or a file that holds it')
    .action(async (source: string, { data, json }: IdentityOptions) => {
      const { importIdentity } = await import('./identity-command.ts');
      await reporting(json === true, (output) => importIdentity(source, data, output));
    });
}
