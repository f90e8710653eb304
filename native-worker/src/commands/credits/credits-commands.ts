/** `llmesh balance`, `receipts`, `export`, `transfer`, `stake`, `unstake`, `appeal`, `retest`, `proposals`, `propose` and `vote`. */
import { Argument, InvalidArgumentError, type Command } from 'commander';
import { isPeerId, type PeerId } from '@llmesh/core/base/ids';
import { readCredits, type Micro } from '@llmesh/core/ledger/credit';
import { reporting } from '../../cli/reporting.ts';
import { meshOption, place, whole } from '../flags.ts';
import type { Choice } from './vote-command.ts';
import type { CreditOptions } from './own-peer.ts';

type Options = CreditOptions & { json?: boolean };
const CHOICES: readonly Choice[] = ['yes', 'no', 'abstain'];
const DATA = 'where the identity is kept (default: $LLMESH_DATA or ~/.llmesh)';
const PEER = 'of this peer, by its id (default: of this computer)';
const FINAL = `
Amounts are in credits, with up to six digits after the point. Only what is final can be spent: see docs/credits.md.`;

export function addCreditCommands(command: (name: string, description: string) => Command): void {
  const about = (name: string, description: string) =>
    command(name, description)
      .addOption(meshOption())
      .option('--data <folder>', DATA)
      .option('--json', 'as JSON')
      .addHelpText('after', FINAL);

  about('balance', 'Show the credits of this computer on a mesh, and what it earned today.')
    .option('--peer <id>', PEER, aPeer)
    .action(async ({ json, ...options }: Options & { peer?: PeerId }) => {
      const { showBalance } = await import('./balance-command.ts');
      await reporting(json === true, (output) => showBalance(options, output));
    });

  about('receipts', 'Show every change of these credits, newest first, each with its reason and its receipt.')
    .option('--peer <id>', PEER, aPeer)
    .option('--since <date>', 'all since then, as 2026-12-01 or 2026-12-01T18:00Z (default: the last fifty)', aTime)
    .action(async ({ json, ...options }: Options & { peer?: PeerId; since?: number }) => {
      const { showReceipts } = await import('./balance-command.ts');
      await reporting(json === true, (output) => showReceipts(options, output));
    });

  about('export', 'Write the whole history of these credits into a file, with the proof of each event in it.')
    .argument('<file>', 'the file to write, which must not be there yet', place)
    .option('--peer <id>', PEER, aPeer)
    .option('--policy <file>', 'whose log is believed (default: what the mesh said the first time)', place)
    .action(async (file: string, { json, ...options }: Options & { peer?: PeerId; policy?: string }) => {
      const { exportHistory } = await import('./export-command.ts');
      await reporting(json === true, (output) => exportHistory(file, options, output));
    });

  about('transfer', 'Send credits to another peer. They give it no vote, and cannot be taken back.')
    .argument('<peer>', 'its id: 32 letters and digits', aPeer)
    .argument('<amount>', 'in credits', anAmount)
    .option('--yes', 'send without asking')
    .action(async (to: PeerId, amount: Micro, { json, ...options }: Options & { yes?: boolean }) => {
      const { transfer } = await import('./order-command.ts');
      await reporting(json === true, (output) => transfer(to, amount, options, output));
    });

  about('stake', 'Put credits at stake: a part is lost if answers of this computer are found to be forged.')
    .argument('<amount>', 'in credits', anAmount)
    .action(async (amount: Micro, { json, ...options }: Options) => {
      const { stake } = await import('./order-command.ts');
      await reporting(json === true, (output) => stake(amount, options, output));
    });

  about('unstake', 'Take credits from the stake. They are free again 14 days later.')
    .argument('<amount>', 'in credits', anAmount)
    .action(async (amount: Micro, { json, ...options }: Options) => {
      const { unstake } = await import('./order-command.ts');
      await reporting(json === true, (output) => unstake(amount, options, output));
    });

  about('appeal', 'Have five others check again what this computer was convicted for. Whoever loses pays them.').action(
    async ({ json, ...options }: Options) => {
      const { appeal } = await import('./order-command.ts');
      await reporting(json === true, (output) => appeal(options, output));
    },
  );

  about('retest', 'Have the next answers of this computer checked, all of them, once you have mended it.').action(
    async ({ json, ...options }: Options) => {
      const { retest } = await import('./order-command.ts');
      await reporting(json === true, (output) => retest(options, output));
    },
  );

  about('proposals', 'Show what was proposed, how the votes stand, and what can be voted on.').action(
    async ({ json, ...options }: Options) => {
      const { showProposals } = await import('./vote-command.ts');
      await reporting(json === true, (output) => showProposals(options, output));
    },
  );

  about('propose', 'Propose another value for one of the numbers of "llmesh proposals". It takes a stake.')
    .argument('<parameter>', 'its name')
    .argument('<value>', 'as "llmesh proposals" shows such values: in credits, in per cent, or as it is counted')
    .action(async (name: string, value: string, { json, ...options }: Options) => {
      const { propose } = await import('./vote-command.ts');
      await reporting(json === true, (output) => propose(name, value, options, output));
    });

  about('vote', 'Vote on a proposal. A later ballot replaces an earlier one; everybody can read them.')
    .argument('<proposal>', 'its number in "llmesh proposals"', whole(0, Number.MAX_SAFE_INTEGER))
    .addArgument(new Argument('<choice>', 'what you decide').choices(CHOICES))
    .action(async (proposal: number, choice: Choice, { json, ...options }: Options) => {
      const { vote } = await import('./vote-command.ts');
      await reporting(json === true, (output) => vote(proposal, choice, options, output));
    });
}

function aPeer(text: string): PeerId {
  if (isPeerId(text)) return text;
  throw new InvalidArgumentError('A peer id has 32 letters and digits: "llmesh identity" shows that of a computer.');
}

function anAmount(text: string): Micro {
  const amount = readCredits(text);
  if (amount !== null && amount > 0) return amount;
  throw new InvalidArgumentError('Write credits as 5 or 0.25, with up to six digits after the point.');
}

function aTime(text: string): number {
  const ms = /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text) : Number.NaN;
  if (!Number.isNaN(ms)) return ms;
  throw new InvalidArgumentError('Write a date as 2026-12-01, or with a time as 2026-12-01T18:00Z.');
}
