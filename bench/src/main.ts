/** Every benchmark: `npm run bench -- <name>`. Each prints its figures, saves them, and ends with one line of JSON. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { SCORE_MODES } from '@llmesh/core/proof/score';
import { big, type BigOptions } from './big.ts';
import { browser } from './browser.ts';
import { continuation, type ContinuationOptions } from './continuation.ts';
import { dedupe, type DedupeOptions } from './dedupe.ts';
import { draft, type DraftOptions } from './draft.ts';
import { failover, type FailoverOptions } from './failover.ts';
import { gateway, type GatewayOptions } from './gateway.ts';
import { jobsBench, type JobsOptions } from './jobs/jobs.ts';
import { ledger, type LedgerOptions } from './ledger/ledger.ts';
import { matchmaker, type MatchmakerOptions } from './matchmaker.ts';
import { overhead } from './overhead.ts';
import { lighthouse } from './lighthouse.ts';
import { page, type PageOptions } from './page.ts';
import { scoring, type ScoringOptions } from './scoring.ts';
import { noise, type NoiseOptions } from './proof/honest-noise.ts';
import { proof, type ProofOptions } from './proof/proof.ts';
import { spotting, type SpottingOptions } from './proof/spotting.ts';
import { PARTS, swarm, type SwarmOptions } from './swarm/swarm.ts';
import { seal, type SealBenchOptions } from './seal.ts';

const RESULTS = join(import.meta.dirname, '..', 'results');

function count(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError('must be a whole number from 1');
  return value;
}

function countFromNone(text: string): number {
  return text === '0' ? 0 : count(text);
}

function share(text: string): number {
  const value = Number(text);
  if (!(value > 0 && value <= 1)) throw new InvalidArgumentError('must be more than 0 and at most 1');
  return value;
}

function report(result: { bench: string }): void {
  mkdirSync(RESULTS, { recursive: true });
  const line = JSON.stringify(result);
  writeFileSync(join(RESULTS, `${result.bench}.json`), `${line}\n`);
  process.stdout.write(`${line}\n`);
}

const program = new Command('bench').description('LLMesh benchmarks, each beside what it is measured against.');
program
  .command('overhead')
  .description('what the mesh costs: raw node-llama-cpp against the same engine through worker, WebRTC and client')
  .option('--model <file|synthetic>', 'a GGUF; "synthetic" writes one of 100M parameters', 'tiny')
  .option('--rounds <n>', 'pairs of runs', count, 12)
  .option('--tokens <n>', 'tokens an answer', count, 128)
  .option('--threads <n>', 'threads of the engine', count, 1)
  .action(async (options: { model: string; rounds: number; tokens: number; threads: number }) => {
    report(await overhead(options));
  });

program
  .command('browser')
  .description(
    'the tiny model on web-llm: raw in a page, and through the mesh with the tab of its volunteer visible and hidden',
  )
  .option('--rounds <n>', 'of each', count, 6)
  .action(async (options: { rounds: number }) => {
    report(await browser(options));
  });

program
  .command('jobs')
  .description('WebAssembly of strangers: hostile modules, gas in three engines, what counting costs, and liars')
  .option('--hostile <n>', 'hostile modules', count, 200)
  .option('--programs <n>', 'random programs, in Node, Chromium and Firefox', count, 1_000)
  .option('--jobs <n>', 'jobs for the crowd', count, 1_000)
  .option('--simulated <n>', 'volunteers in this process, beside three real ones', count, 50)
  .action(async (options: JobsOptions) => {
    report(await jobsBench(options));
  });

program
  .command('page')
  .description(
    'a conversation of 2,000 answers opened, streamed into and searched for, beside the same words in a <pre>',
  )
  .option('--answers <n>', 'in the long conversation', count, 2_000)
  .option('--conversations <n>', 'besides it', count, 1_000)
  .option('--rounds <n>', 'of each', count, 3)
  .action(async (options: PageOptions) => {
    report(await page(options));
  });

program
  .command('lighthouse')
  .description('the four scores of Lighthouse for each page, on a phone and on a desktop')
  .option('--looks <n>', 'at each page', count, 3)
  .action(async (options: { looks: number }) => {
    report(await lighthouse(options));
  });

program
  .command('gateway')
  .description(
    '1, 4 and 8 answers at once: raw node-llama-cpp, the mesh or a gateway, and llama-server ($LLAMA_SERVER)',
  )
  .option('--model <file|synthetic>', 'a GGUF; "synthetic" writes one of 100M parameters', 'tiny')
  .addOption(
    new Option('--path <way>', 'the mesh, or a gateway in front of it as well')
      .choices(['mesh', 'gateway'])
      .default('mesh'),
  )
  .option('--base-url <url>', 'instead: a gateway that runs already, whose mesh lends the same file')
  .option('--rounds <n>', 'of each number of answers', count, 8)
  .option('--tokens <n>', 'tokens an answer', count, 64)
  .option('--threads <n>', 'threads of each engine', count, 1)
  .action(async (options: GatewayOptions) => {
    report(await gateway(options));
  });

program
  .command('big')
  .description(
    'a 30B model of noise behind llmesh worker: load time, memory, tok/s; needs 17 GB of disk and 20 of memory',
  )
  .option('--scale <share>', 'share of its layers', share, 1)
  .option('--rounds <n>', 'answers', count, 5)
  .option('--tokens <n>', 'tokens an answer', count, 64)
  .option('--threads <n>', 'threads of each engine (default: one less than there are cores)', count)
  .option('--keep', 'keep the file for the next time')
  .action(async (options: BigOptions) => {
    report(await big(options));
  });

program
  .command('draft')
  .description(
    'the same model with and without a draft that is always, often and hardly ever right; 1, 2 and 4 at once',
  )
  .option('--rounds <n>', 'pairs of runs of each kind', count, 5)
  .option('--tokens <n>', 'tokens an answer', count, 128)
  .option('--threads <n>', 'threads of each engine', count, 1)
  .action(async (options: DraftOptions) => {
    report(await draft(options));
  });

program
  .command('scoring')
  .description('what seeds for each token cost, what it costs to check an answer, and what that finds in honest ones')
  .option('--model <file|synthetic>', 'a GGUF; "synthetic" writes one of 100M parameters', 'synthetic')
  .option('--rounds <n>', 'answers of each kind, and pairs of runs', count, 8)
  .option('--tokens <n>', 'tokens an answer', count, 128)
  .option('--threads <n>', 'threads of the engine', count, 1)
  .action(async (options: ScoringOptions) => {
    report(await scoring(options));
  });

program
  .command('seal')
  .description('what the seal costs: handshake, a token chunk, throughput against the same channel unsealed')
  .addOption(new Option('--channel <kind>', 'what is sealed').choices(['memory', 'webrtc']).default('webrtc'))
  .option('--rounds <n>', 'pairs of runs', count, 15)
  .action(async (options: SealBenchOptions) => {
    report(await seal(options));
  });

program
  .command('proof')
  .description(
    'answers checked until a cheat is convicted, by kind of cheat; honest ones convicted; what checking costs',
  )
  .option('--answers <n>', 'honest ones of each kind of sampling', count, 200)
  .option('--cheated <n>', 'of each cheat', count, 30)
  .option('--tokens <n>', 'tokens an answer', count, 96)
  .option('--runs <n>', 'cheats watched until they are convicted', count, 1_000)
  .option('--audits <n>', 'of honest providers, for each kind of sampling', count, 1_000_000)
  .option('--threads <n>', 'threads of each engine', count, 1)
  .option('--save <file>', 'write the answers to it, and go on with those that are there')
  .action(async (options: ProofOptions) => {
    report(await proof(options));
  });

program
  .command('spotting')
  .description('whether an auditor can tell that it is being tested, by everything that it sees')
  .option('--answers <n>', 'of each kind', count, 300)
  .option('--threads <n>', 'threads of the engine', count, 1)
  .action(async (options: SpottingOptions) => {
    report(await spotting(options));
  });

program
  .command('noise')
  .description(
    'by how much an answer that was written on one computer deviates for another: rows for the calibration table',
  )
  .option('--answers <n>', 'of each kind of sampling', count, 300)
  .option('--tokens <n>', 'tokens an answer', count, 96)
  .option('--threads <n>', 'threads of each engine', count, 1)
  .addOption(new Option('--mode <mode>', 'only answers of this kind').choices(SCORE_MODES))
  .option('--save <file>', 'write the answers for another computer to read; goes on with those that are there')
  .option('--from <file>', 'read the answers of another computer')
  .action(async (options: NoiseOptions) => {
    report(await noise(options));
  });

program
  .command('continuation')
  .description("from another provider's answer to the first new token, replayed and read like a prompt")
  .option('--model <file|synthetic>', 'a GGUF; "synthetic" writes one of 100M parameters', 'tiny')
  .option('--rounds <n>', 'questions', count, 12)
  .option('--threads <n>', 'threads of the engine', count, 1)
  .action(async (options: ContinuationOptions) => {
    report(await continuation(options));
  });

program
  .command('failover')
  .description(
    'providers killed, and stopped, in mid-answer: tokens lost, tokens twice, and how long the answer stalls',
  )
  .option('--kills <n>', 'providers to kill, and as many to stop in good order', count, 20)
  .option('--providers <n>', 'processes that lend the model', count, 4)
  .option('--speed <n>', 'tokens a second of each answer', count, 30)
  .action(async (options: FailoverOptions) => {
    report(await failover(options));
  });

program
  .command('matchmaker')
  .description('matches a second: in process, over WebSockets with churn, and the same queries on Redis')
  .option('--providers <n>', 'how many there are', count, 10_000)
  .option('--models <n>', 'that they are spread over', count, 50)
  .option('--rounds <n>', 'of each kind, in turns', count, 5)
  .option('--matches <n>', 'a round in process', count, 20_000)
  .action(async (options: MatchmakerOptions) => {
    report(await matchmaker(options));
  });

program
  .command('ledger')
  .description(
    'receipts a second beside their signatures alone, lag, finality, the log, and a ledger that is killed again and again',
  )
  .option('--rounds <n>', 'of receipts and of signatures alone, in turns', count, 3)
  .option('--receipts <n>', 'a round', count, 8_000)
  .option('--kills <n>', 'how often it is killed', count, 20)
  .option('--finality <seconds>', 'how long events are timed until they are final', count, 20)
  .option('--leaves <n>', 'of the log that is verified', count, 1_000_000)
  .option('--grow <n>', 'only this: start again with so many events', count)
  .option('--old-rows <n>', 'with --grow: and the rows in the database that so many more events would have left', count)
  .option('--rebuild', 'with --grow: make the database again from the log, too')
  .action(async (options: LedgerOptions) => {
    report(await ledger(options));
  });

program
  .command('swarm')
  .description(
    'models from peers: beside one plain download, a bare data channel, among liars, killed again and again, beside an answer, and in a tab',
  )
  .option('--mb <n>', 'megabytes of the model', count, 100)
  .option('--joiners <n>', 'peers in Node that begin at once', count, 8)
  .option('--tabs <n>', 'peers in Chromium that begin with them', countFromNone, 0)
  .option('--kills <n>', 'of one that fetches', count, 20)
  .option('--rounds <n>', 'of what is measured in turns', count, 3)
  .option('--tab-mb <n>', 'megabytes that come to the tab whose memory is measured', count, 2_000)
  .option('--chat-mb <n>', 'megabytes that come while an answer is written', count, 400)
  .addOption(new Option('--part <names...>', 'only these').choices(PARTS))
  .action(async (options: SwarmOptions) => {
    report(await swarm(options));
  });

program
  .command('dedupe')
  .description('what a new version of a model shares with the old one, and so need not travel')
  .option('--fresh', 'make the versions again')
  .action(async (options: DedupeOptions) => {
    report(await dedupe(options));
  });

await program.parseAsync();
