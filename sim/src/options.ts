/** The options of `npm run sim`, what they mean, and how to write them down again. */
import { Command, InvalidArgumentError, Option } from 'commander';
import type { AuditedMeshOptions } from './audits/audited-mesh.ts';
import type { WorldOptions } from './world.ts';

export interface SimOptions {
  peers: number;
  minutes: number;
  seed: number;
  seeds: number;
  models?: number;
  requesters: number;
  questions: number;
  greedy: number;
  withdrawn: number;
  churn: number;
  stalls: number;
  hiccups: number;
  slow: number;
  liars: number;
  cheats: number;
  cheated: number;
  lyingAuditors: number;
  auditShare: number;
  established?: boolean;
  partitions: number;
  restarts: number;
  hedge: boolean;
  resume: boolean;
  compare?: boolean;
  choice?: boolean;
  audits?: boolean;
  economy?: boolean;
  forecast?: boolean;
  lookup?: boolean;
  lookups: number;
  lenders: number;
  days: number;
  twice?: boolean;
  json?: boolean;
  progress?: boolean;
}

export const PROGRAM = new Command('sim')
  .description('Simulates a mesh: real control plane and peers; clock, network and engines are virtual.')
  .option('--peers <n>', 'computers that ask or lend', whole(4), 300)
  .option('--minutes <n>', 'of the mesh', whole(1), 10)
  .option('--seed <n>', 'the same seed and options are the same mesh', whole(0), 1)
  .option('--seeds <n>', 'so many meshes, each with the next seed', whole(1), 1)
  .option('--models <n>', 'that are lent; left out: one for every 50 peers, at most 50', whole(1))
  .option('--requesters <percent>', 'of the computers ask, the others lend', percent, 30)
  .option('--questions <n>', 'an requester asks in a minute, as far as answers come in time', number, 1)
  .option('--greedy <percent>', 'of the requesters have six questions under way at once, and never pause', percent, 0)
  .option('--withdrawn <percent>', 'of the questions are taken back by their requester', percent, 1)
  .option('--churn <percent>', 'of the providers go within a minute, half of them without a word', percent, 10)
  .option('--stalls <percent>', 'of the questions make some engine hang for good', percent, 1)
  .option('--hiccups <percent>', 'of the answers are held up for some seconds at their beginning', percent, 3)
  .option('--slow <percent>', 'of the providers say that they are five times as fast as they are', percent, 0)
  .option(
    '--liars <percent>',
    'of the providers lie: free when they are not, accept and never answer, wrong places, pieces twice or left out, forged receipts',
    percent,
    0,
  )
  .option('--partitions <n>', 'a minute: a part of the world cannot reach the rest, or the control plane', number, 0)
  .option('--restarts <n>', 'of the control plane a minute', number, 0)
  .addOption(new Option('--no-hedge', 'requesters do not have a second provider asked when the first is late'))
  .addOption(new Option('--no-resume', 'an answer that broke off is not continued elsewhere'))
  .option('--compare', 'the same meshes with and without hedging, and with and without resumption, in a table')
  .option('--choice', 'how many sampled providers a matchmaker had better choose among, in a table')
  .option(
    '--audits',
    'who gets the answers of a mesh that has cheats, see --cheats; a model of its own, without sockets',
  )
  .option('--cheats <percent>', 'with --audits: of the providers lend another model than they say', percent, 20)
  .option('--cheated <percent>', 'with --audits: of the answers of cheats are of that model', percent, 100)
  .option('--audit-share <percent>', 'with --audits: of the answers are checked, and what that may cost', percent, 2)
  .option(
    '--lying-auditors <percent>',
    'with --audits: of the providers convict everybody as auditors, but acquit cheats; cheats first',
    percent,
    20,
  )
  .option('--established', 'with --audits: every provider has been checked a hundred times before')
  .option(
    '--economy',
    'attacks on the credits by name, divided votes, and a month of an honest mesh; a model without sockets',
  )
  .option(
    '--forecast',
    'how long first words take where models are loaded before they are asked for, and where not; a model without sockets',
  )
  .option(
    '--lookup',
    'an hour of finding things without a server, and a siege by liars: --peers 10000 for the real figures; a model without sockets',
  )
  .option('--lookups <n>', 'with --lookup: in the hour', whole(1), 6_000)
  .option('--lenders <n>', 'with --forecast: of each model', whole(1), 3)
  .option('--days <n>', 'with --economy and --forecast: of the mesh', whole(1), 30)
  .option('--twice', 'each mesh twice: fails when the second differs')
  .option('--json', 'tables as JSON')
  .option('--progress', 'on the standard error: which minute it is');

export function worldOptions(options: SimOptions, seed: number): WorldOptions {
  const { peers, models, questions, partitions, restarts, hedge, resume } = options;
  const requesters = Math.min(peers - 1, Math.max(1, Math.round((peers * options.requesters) / 100)));
  return {
    seed,
    requesters,
    providers: peers - requesters,
    hedge,
    resume,
    graceful: 0.5,
    models: models ?? Math.max(1, Math.min(50, Math.round(peers / 50))),
    questionsPerMinute: questions,
    greedy: options.greedy / 100,
    withdrawn: options.withdrawn / 100,
    churnPerMinute: options.churn / 100,
    stalls: options.stalls / 100,
    hiccups: options.hiccups / 100,
    slow: options.slow / 100,
    liars: options.liars / 100,
    partitionsPerMinute: partitions,
    restartsPerMinute: restarts,
  };
}

export function auditedMeshOptions(options: SimOptions, seed: number): AuditedMeshOptions {
  const { minutes, questions, cheats, cheated, lyingAuditors, auditShare } = options;
  const { providers, requesters } = worldOptions(options, seed);
  const shares = {
    cheats: cheats / 100,
    cheated: cheated / 100,
    lyingAuditors: lyingAuditors / 100,
    share: auditShare / 100,
  };
  const established = options.established === true;
  return { seed, providers, requesters, minutes, questionsPerMinute: questions, established, ...shares };
}

/** The command that simulates just this mesh again. */
export function commandFor(options: SimOptions, seed: number): string {
  const alone: Partial<SimOptions> = { ...options, seed };
  for (const mode of [
    'seeds',
    'compare',
    'choice',
    'audits',
    'economy',
    'forecast',
    'lookup',
    'twice',
    'json',
    'progress',
  ] as const)
    delete alone[mode];
  for (const mode of ['lenders', 'lookups', 'cheats', 'cheated', 'lyingAuditors', 'auditShare', 'established'] as const)
    delete alone[mode];
  const flags = Object.entries(alone).flatMap(([name, value]) => {
    if (value === undefined || value === true) return [];
    return value === false ? [`--no-${name}`] : [`--${name} ${String(value)}`];
  });
  return `npm run sim -- ${flags.join(' ')}`;
}

function whole(least: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!Number.isInteger(value) || value < least) throw new InvalidArgumentError(`a whole number from ${least} on`);
    return value;
  };
}

function number(text: string): number {
  const value = Number(text);
  if (text === '' || !Number.isFinite(value) || value < 0) throw new InvalidArgumentError('a number from 0 on');
  return value;
}

function percent(text: string): number {
  const value = number(text);
  if (value > 100) throw new InvalidArgumentError('0 to 100');
  return value;
}
