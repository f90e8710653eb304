/** The `llmesh` command. Each subcommand loads its own parts: `llmesh status` needs no llama.cpp. */
import { Command, CommanderError, Option } from 'commander';
import { DEFAULT_JOB_LIMITS, MAX_GAS } from '@llmesh/core/jobs/job';
import { MAX_MODELS_PER_PEER } from '@llmesh/core/wire/control-protocol';
import { MAX_ADAPTERS } from '@llmesh/core/wire/model-advert';
import type { AuditCheckOptions } from './commands/audit-command.ts';
import {
  amount,
  aNetwork,
  gather,
  gatherPeers,
  meshOption,
  modelsMaxOption,
  place,
  several,
  webAddress,
  whenOption,
  whole,
} from './commands/flags.ts';
import { endProcess } from './cli/guard-link.ts';
import { Output } from './cli/output.ts';
import type { ChatOptions } from './commands/chat-command.ts';
import type { GatewayCommandOptions } from './commands/gateway-command.ts';
import { LOG_LEVELS, type LogForm, type LogLevel } from './cli/log-level.ts';
import type { McpOptions } from './commands/mcp-command.ts';
import type { RunOptions } from './commands/run-command.ts';
import type { WorkerOptions } from './commands/worker-command.ts';
import { EXIT_USAGE, reporting } from './cli/reporting.ts';
import { writeTo } from './cli/standard-stream.ts';
import { terminalText } from './cli/terminal-text.ts';
import { addLogCommands } from './commands/log/log-commands.ts';
import { addCreditCommands } from './commands/credits/credits-commands.ts';
import { addIdentityCommands } from './commands/identity/identity-commands.ts';
import { addNetworkCommands } from './commands/networks/network-commands.ts';
import { addModelsCommands } from './commands/models/models-commands.ts';
import { ConfigError, withConfig } from './commands/worker-config.ts';
import { addWorkerSubcommands, modelMissing } from './commands/worker-subcommands.ts';

const EXIT_CODES = `
Exit codes: 0 done or stopped, 1 failed, 2 wrong usage, 3 port in use, 78 refused by the mesh: another start changes nothing.`;

const program = new Command('llmesh')
  .description('Lend this computer to a mesh, or look at one.')
  .version('0.1.0')
  .exitOverride()
  // "llmesh models" and "llmesh models pull" have options of the same names.
  .enablePositionalOptions()
  .addHelpText('after', EXIT_CODES);

const worker = command('worker', 'Lend models of this computer to a mesh, until Ctrl-C.')
  // Its subcommands take the same flags as the worker itself.
  .enablePositionalOptions(false)
  .option(
    '--model <model>',
    'a GGUF file, an id of "llmesh models", hf:user/model[:quant], or a URL; several times for several models',
    several(MAX_MODELS_PER_PEER),
  )
  .option(
    '--draft <model>',
    'a small model that guesses ahead of the first --model, or "lookup": see docs/run-a-worker.md',
    place,
  )
  .option(
    '--lora <adapter>',
    'answer with this adapter of a model, too: a GGUF file, hf:user/model/file.gguf, or a URL; several times for several',
    several(MAX_ADAPTERS),
  )
  .option('--lora-cap <n>', 'adapters in memory at once; others are loaded when asked for', whole(1, MAX_ADAPTERS), 2)
  .option(
    '--lora-from <url>',
    'fetch adapters that are asked for from <url>/<sha256>.gguf, up to sixteen of 256 MiB (default: no others)',
    webAddress,
  )
  .option(
    '--adapters-from-visitors',
    'let whoever asks bring an adapter of up to 50 MB along, where memory allows (default: on)',
    true,
  )
  .option('--no-adapters-from-visitors', 'answer with no adapters but your own')
  .option('--unload-after <seconds>', 'unload a model when nobody has asked for it for this long', whole(1, 604_800))
  .addOption(meshOption())
  .option('--slots <n>', 'answers at once (default: what fits, at most 4; 8 on a graphics card)', whole(1, 32))
  .option('--threads <n>', 'processor threads (default: one less than there are cores)', whole(1, 1024))
  .option(
    '--ctx <tokens>',
    'longest conversation (default: what the model is made for and fits, at most 8192)',
    whole(128, 1 << 20),
  )
  .addOption(
    new Option('--gpu <kind>', 'what computes').choices(['auto', 'off', 'cuda', 'metal', 'vulkan']).default('auto'),
  )
  .option('--max-speed <n>', 'tokens a second of each answer, to leave room for your own work', whole(1, 100_000))
  .option('--max-cpu <percent>', 'share of the processor, in whole threads (default: all but one)', whole(1, 100))
  .option('--share <percent>', 'share of the time spent computing, on processor or graphics card', whole(5, 100))
  .addOption(whenOption())
  .option('--on-battery', 'lend on battery, too (default: pause)')
  .option('--calm <seconds>', 'how long it has to be quiet after a pause (default: 60)', whole(1, 86_400))
  .option('--audit', 'check what others answered with the same model, when nobody asks (default: on)', true)
  .option('--no-audit', 'check nobody')
  .option('--seed', 'let others download the lent models from this computer while they are lent (default: on)', true)
  .option('--no-seed', 'give nobody the files of models')
  .option('--seed-own', 'give others models, too, that only you have or for which HF_TOKEN stands')
  .option(
    '--seed-rate <MB>',
    'megabytes a second given to all others together (default: no limit)',
    amount(0.01, 10_000),
  )
  .option('--seed-per-day <MB>', 'megabytes a day given to others', amount(1, 100_000_000), 50_000)
  .option(
    '--keep <GB>',
    'room on this disk for models that others need, at most a tenth of what is free (default: none)',
    amount(0, 1_000_000),
    0,
  )
  .option('--jobs <n>', 'run WebAssembly of others, each apart from everything else, so many at once', whole(1, 32))
  .addOption(modelsMaxOption())
  .option('--hide-address', 'hide the address of this computer: everything goes through the server of the mesh')
  .option('--data <folder>', 'for downloaded models and the identity (default: $LLMESH_DATA or ~/.llmesh)')
  .option('--config <file>', 'settings by the names of these flags, in JSON (default: worker.json in the data folder)')
  .addOption(new Option('--log <form>', 'log to stderr in this form').choices(['json', 'pretty']))
  .addOption(new Option('--log-level <level>', 'the lowest level that is logged').choices(LOG_LEVELS).default('info'))
  .option('--metrics-port <n>', 'serve /metrics on this port, to this computer only', whole(1, 65_535))
  .option('--json', 'one JSON object a line: ready, paused, status, connection, error')
  .addHelpText(
    'after',
    `
Environment:
  LLMESH_DATA     as --data
  MODEL_ENDPOINT  a mirror of Hugging Face for hf: models
  HF_TOKEN        of your account there, for models with a licence to accept

Examples:
  llmesh worker --model llmesh-tiny
  llmesh worker --model ~/models/qwen3-8b-q4.gguf --mesh http://192.168.1.20:7070 --slots 2`,
  )
  .action(async (options: Omit<WorkerOptions, 'model'> & { model?: string[] } & LogOptions & { json?: boolean }) => {
    if (options.model === undefined && options.jobs === undefined) modelMissing(worker);
    const { runWorker } = await import('./commands/worker-command.ts');
    await endProcess(
      await runWorker(
        { ...options, model: options.model ?? [] },
        new Output(options.json === true, await logOf(options)),
      ),
    );
  });

addWorkerSubcommands(worker);

command('chat', 'Ask a mesh one question; the answer comes as it is written.')
  .argument('[question...]', 'what to ask; piped text comes behind it')
  .addOption(meshOption())
  .option('--model <id>', 'an id of "llmesh status" (default: the model with the most free slots)')
  .option(
    '--adapter <sha256 or file>',
    'an adapter: one of volunteers by its SHA-256, or a GGUF file of yours, up to 50 MB',
  )
  .option('--max-tokens <n>', 'longest answer', whole(1, 1 << 20), 2048)
  .option('--no-checks', 'let no other volunteer read and check the answer')
  .option('--json', 'one JSON object a line: pieces, then done, or error')
  .addHelpText(
    'after',
    `
Someone else's computer answers, and its owner can read the question: send no secrets.
A file after --adapter is given to whoever answers, for as long as this command runs, and to nobody else.
In a terminal it stays up to twelve seconds longer in case the answer is drawn to be checked by others, who read it, too:
--no-checks keeps it from them, and Ctrl-C ends the wait.

Examples:
  llmesh chat "What is a mesh?"
  git diff | llmesh chat "What does this change?" --model qwen3-8b-q4
  llmesh chat "What is a tort?" --model qwen3-8b-q4 --adapter ~/adapters/law.gguf`,
  )
  .action(async (question: string[], options: ChatOptions & { json?: boolean }) => {
    const { runChat } = await import('./commands/chat-command.ts');
    process.exit(await runChat(question.join(' '), options, new Output(options.json === true)));
  });

command('run', 'Run a WebAssembly program (WASI) over files, on computers of others who have to agree.')
  .argument('<module>', 'a WASI preview 1 command, of up to 786,432 bytes')
  .option('--input <files...>', 'one job for each file, which is its standard input; or a pattern in quotes', [])
  .option('--file <files...>', 'files that each job finds in its folder, by their names', [])
  .option('--arg <words...>', 'arguments of each job', [])
  .addOption(meshOption())
  .option(
    '--gas <n>',
    'the most that a job may take, about an instruction each',
    amount(1, MAX_GAS),
    DEFAULT_JOB_LIMITS.gas,
  )
  .option('--memory <MB>', 'memory of a job', amount(1, 256), 64)
  .option('--seconds <n>', 'how long a volunteer may take for a job', whole(1, 600), 120)
  .option('--replicas <n>', 'how many volunteers have to agree on each outcome', whole(1, 5), 2)
  .option('--parallel <n>', 'jobs at the same time', whole(1, 256), 16)
  .option('--checkpoint <name>', 'a file of the job from which it can be resumed elsewhere')
  .option('--no-arbiter', 'where volunteers disagree, ask more of them instead of running the job here')
  .option('--out <folder>', 'where outcomes are written (default: printed, for a single job)')
  .option('--json', 'one JSON object a line: accepted, progress, result, error')
  .addHelpText(
    'after',
    `
Whoever runs a job can read the module, its files and what it prints: send no secrets.

Examples:
  llmesh run count.wasm --input 'data/*.txt' --out counts
  llmesh run render.wasm --arg 640 480 --gas 5e9 --replicas 3`,
  )
  .action(async (module: string, options: RunOptions & { json?: boolean }) => {
    const { runJobs } = await import('./commands/run-command.ts');
    process.exit(await runJobs(module, options, new Output(options.json === true)));
  });

command('gateway', 'Let programs that speak the OpenAI API use a mesh, until Ctrl-C.')
  .addOption(meshOption())
  .option('--port <n>', 'where to listen; 0 is any free one', whole(0, 65_535), 7080)
  .option('--host <address>', 'on which address; other computers need a key', '127.0.0.1')
  .option('--keys <file>', 'the keys made by "llmesh key" (default: in the data folder)')
  .option('--open', 'let anyone in without a key')
  .option('--rate <n>', 'requests per minute for each key, a third of them at once', whole(1, 1_000_000), 1_200)
  .option('--cors <origin>', 'a site whose pages may ask, or *; repeat for several', gather, [])
  .option('--own <peer id>', 'a computer of yours, for "privacy": "own"; repeat for several', gatherPeers, [])
  .option('--trust <peer id>', 'one that you trust, for "privacy": "trusted"; repeat for several', gatherPeers, [])
  .option(
    '--lora <name=file>',
    'an adapter of yours that requests may name, a GGUF file of up to 50 MB: given to whoever answers; repeat for several',
    several(MAX_ADAPTERS),
    [],
  )
  .option('--hide-address', 'hide the address of this computer: everything goes through the server of the mesh')
  .option('--no-checks', 'let no other volunteer read and check answers; a request may say so, too')
  .option('--proxied', 'a server of yours in front says in X-Forwarded-For who asks')
  .option('--data <folder>', 'for keys and identity (default: $LLMESH_DATA or ~/.llmesh)')
  .option('--json', 'one JSON object a line: ready, connection, error')
  .addHelpText(
    'after',
    `
The volunteer who runs the model can read what is asked. So can anyone who runs the gateway: run your own.

Examples:
  llmesh gateway
  curl http://127.0.0.1:7080/v1/models
  llmesh key laptop && llmesh gateway --host 0.0.0.0`,
  )
  .action(async (options: GatewayCommandOptions & { json?: boolean }) => {
    const { runGateway } = await import('./commands/gateway-command.ts');
    await endProcess(await runGateway(options, new Output(options.json === true)));
  });

command('mcp', 'Give an assistant that speaks MCP the mesh as tools: ask, embed, list_models.')
  .addOption(meshOption())
  .option('--gateway <url>', 'ask this gateway instead of joining the mesh', webAddress)
  .option('--model <id>', 'who is asked where the assistant names nobody (default: the best-known model that is free)')
  .option('--hide-address', 'hide the address of this computer: everything goes through the server of the mesh')
  .addHelpText(
    'after',
    `
The assistant starts it, and speaks to it over stdin and stdout: see docs/mcp.md for how to tell it so.
Someone else's computer answers, and its owner can read the question.

Environment:
  LLMESH_API_KEY  the key for --gateway, where it needs one`,
  )
  .action(async (options: McpOptions) => {
    const { runMcp } = await import('./commands/mcp-command.ts');
    process.exit(await runMcp(options, new Output(false)));
  });

command('key', 'Make a key for a gateway. It is printed once.')
  .argument('<name>', 'who the key is for; to revoke it, remove its line in the file of keys')
  .option('--keys <file>', 'where its hash is kept (default: in the data folder)')
  .option('--data <folder>', 'the data folder of the gateway (default: $LLMESH_DATA or ~/.llmesh)')
  .option('--json', 'as one JSON object')
  .action(async (name: string, options: { keys?: string; data?: string; json?: boolean }) => {
    const { makeKey } = await import('./commands/key-command.ts');
    await reporting(options.json === true, (output) => makeKey(name, options, output));
  });

command('status', 'Show who is on a mesh and what it offers, and the worker of this computer.')
  .addOption(meshOption())
  .option('--watch', 'watch the worker of this computer, until Ctrl-C')
  .option('--data <folder>', 'where that worker keeps its identity (default: $LLMESH_DATA or ~/.llmesh)')
  .option('--json', 'as one JSON object; with --watch one per line')
  .action(async ({ mesh, watch, data, json }: { mesh: URL; watch?: boolean; data?: string; json?: boolean }) => {
    if (watch === true) return watching({ ...(data !== undefined && { data }) }, json === true);
    const { showStatus } = await import('./commands/status-command.ts');
    await reporting(json === true, (output) => showStatus(mesh, data, output));
  });

const audit = command('audit', 'Look at how an answer was checked.');

audit
  .command('check')
  .description('Count the audit of an answer again: its evidence, the signatures, and what follows from the reports.')
  .argument('<file>', 'the evidence, as a page or a program saved it')
  .option('--model <file>', 'the GGUF file that the answer is of, to compute it again on this computer', place)
  .option('--network <id>', 'the network in which it was answered, where that has a genesis', aNetwork)
  .option('--calibrations <file>', 'honest noise of more engines, as LLMESH_CALIBRATIONS of a mesh', place)
  .option('--json', 'as one JSON object')
  .addHelpText(
    'after',
    `
Exit codes: 0 it agrees, or nobody can say; 1 the file is damaged or forged; 4 it is not what the model writes.`,
  )
  .action(async (file: string, { json, ...options }: AuditCheckOptions & { json?: boolean }) => {
    const { checkAudit } = await import('./commands/audit-command.ts');
    await reporting(json === true, (output) => checkAudit(file, options, output));
  });

addCreditCommands(command);
addLogCommands(command);

addModelsCommands(command);
addIdentityCommands(command);
addNetworkCommands(command);

// Where nobody says which mesh, it is the network that this computer joined last.
program.hook('preAction', async (_program, action) => {
  if (action.getOptionValueSource('mesh') !== 'default') return;
  const { currentMesh } = await import('./networks/current-mesh.ts');
  const mesh = await currentMesh(action.opts<{ data?: string }>().data);
  if (mesh !== null) action.setOptionValueWithSource('mesh', mesh, 'joined');
});

try {
  const [node = '', script = '', ...args] = process.argv;
  await program.parseAsync([node, script, ...(await withConfig(args, worker))]);
} catch (thrown) {
  if (thrown instanceof ConfigError) writeTo(process.stderr, `${terminalText(thrown.message)}\n`);
  else if (!(thrown instanceof CommanderError)) throw thrown;
  process.exitCode = thrown instanceof CommanderError && thrown.exitCode === 0 ? 0 : EXIT_USAGE;
}

function command(name: string, description: string): Command {
  return program.command(name).description(description).exitOverride().addHelpText('after', EXIT_CODES);
}

async function watching(options: { data?: string }, json: boolean): Promise<void> {
  const { watchWorker } = await import('./commands/worker-status-command.ts');
  const stop = new AbortController();
  process.once('SIGINT', () => stop.abort());
  process.once('SIGTERM', () => stop.abort());
  await reporting(json, (output) => watchWorker(options, output, stop.signal));
}

interface LogOptions {
  log?: LogForm;
  logLevel: LogLevel;
}

/** pino is slow to load, so it is loaded only when a log was asked for. */
async function logOf({ log, logLevel }: LogOptions) {
  if (log === undefined) return null;
  const { openLog } = await import('./cli/log.ts');
  return openLog(log, logLevel);
}
