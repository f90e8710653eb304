/** `llmesh init`, `bootstrap`, `join` and `networks`. */
import { InvalidArgumentError, type Command } from 'commander';
import { asMeshError } from '@llmesh/core/base/errors';
import { reporting } from '../../cli/reporting.ts';
import { meshAddress } from '../../node/mesh-address.ts';
import { aNetwork, gather, place, whole } from '../flags.ts';
import type { BootstrapOptions } from './bootstrap-command.ts';
import type { InitOptions } from './init-command.ts';
import type { JoinOptions } from './join-command.ts';

const DATA = 'for networks and the identity (default: $LLMESH_DATA or ~/.llmesh)';

export function addNetworkCommands(command: (name: string, description: string) => Command): void {
  command('init', 'Found a network of your own, with its own credits.')
    .option('--name <name>', 'what the network is called')
    .option('--credit-name <name>', 'what its credits are called, as STORE')
    .option('--credit-symbol <symbol>', 'up to eight capital letters or digits, as STR')
    .option(
      '--distribution <parts>',
      'what its credits are given out for, in per cent, as uptime:40,tasks:40,governance:20',
    )
    .option(
      '--kind <name>',
      'a kind of task that it is for; repeat for several (default: chat, completion, embedding)',
      gather,
      [],
    )
    .option(
      '--set <parameter=value>',
      'a parameter that begins with another value than usual; repeat for several',
      gather,
      [],
    )
    .option('--logic <file>', 'business logic of its own: its content is part of the genesis', place)
    .option('--data <folder>', DATA)
    .option('--json', 'as one JSON object')
    .addHelpText(
      'after',
      `
Asks for what is missing in a terminal. The key of this computer becomes that of the founder. See docs/your-own-network.md.

Example:
  llmesh init --name StorageNet --credit-name STORE --credit-symbol STR --distribution uptime:40,tasks:40,governance:20`,
    )
    .action(async ({ json, ...options }: InitOptions & { json?: boolean }) => {
      const { initNetwork } = await import('./init-command.ts');
      await reporting(json === true, (output) => initNetwork(options, output));
    });

  command('bootstrap', 'Serve a network, until Ctrl-C: others join it at this computer.')
    .option('--network <id>', 'which one (default: the one that was founded or joined last)', aNetwork)
    .option('--port <n>', 'where to listen; 0 is any free one', whole(0, 65_535), 8080)
    .option('--host <address>', 'on which address; 0.0.0.0 lets other computers in', '127.0.0.1')
    .option('--data <folder>', DATA)
    .option('--json', 'one JSON object a line: ready, error')
    .addHelpText(
      'after',
      `
Needs the package @llmesh/signaling beside llmesh. All that its environment decides is in docs/run-a-mesh.md.`,
    )
    .action(async ({ json, ...options }: BootstrapOptions & { json?: boolean }) => {
      const { bootstrapNetwork } = await import('./bootstrap-command.ts');
      await reporting(json === true, (output) => bootstrapNetwork(options, output));
    });

  command('join', 'Make a network the one that commands mean where no mesh is named.')
    .requiredOption('--network <id>', 'which one', aNetwork)
    .option(
      '--bootstrap <address>',
      'where it is served, as ws://mesh.example:8080; repeat for several, any one suffices',
      gatherAddresses,
      [],
    )
    .option('--data <folder>', DATA)
    .option('--json', 'as one JSON object')
    .addHelpText(
      'after',
      `
Where it was served before is remembered: a second time needs no --bootstrap.

Example:
  llmesh join --network net_… --bootstrap ws://192.168.1.20:8080`,
    )
    .action(async ({ json, ...options }: JoinOptions & { json?: boolean }) => {
      const { joinNetwork } = await import('./join-command.ts');
      await reporting(json === true, (output) => joinNetwork(options, output));
    });

  command('networks', 'List the networks that this computer founded or joined.')
    .option('--leave', 'join none any more: commands mean the usual mesh again')
    .option('--data <folder>', DATA)
    .option('--json', 'as one JSON object')
    .action(async ({ json, ...options }: { leave?: true; data?: string; json?: boolean }) => {
      const { listNetworks } = await import('./join-command.ts');
      await reporting(json === true, (output) => listNetworks(options, output));
    });
}

/** People write the address of a bootstrap as that of a WebSocket, too. */
function gatherAddresses(text: string, before: URL[]): URL[] {
  try {
    return [...before, meshAddress(text.replace(/^ws(s?):\/\//i, 'http$1://'))];
  } catch (thrown) {
    throw new InvalidArgumentError(asMeshError(thrown, 'control_unreachable', String(thrown)).message);
  }
}
