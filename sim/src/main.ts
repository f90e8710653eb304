/** `npm run sim`: hours of a large mesh in minutes. A line of JSON for each seed; exit code 1 when anything was wrong. */
import { Command, InvalidArgumentError } from 'commander';
import { summarise } from './questions.ts';
import { World } from './world.ts';

interface Options {
  peers: number;
  minutes: number;
  seed: number;
  seeds: number;
  churn: number;
  stalls: number;
}

const SHOWN_FAULTS = 20;
const REQUESTERS_SHARE = 0.3;

const program = new Command('sim')
  .description('Simulates a mesh: real control plane and peers; clock, network and engines are virtual.')
  .option('--peers <n>', 'computers, of which three in ten ask and the others lend', whole(4), 300)
  .option('--minutes <n>', 'of the mesh', whole(1), 10)
  .option('--seed <n>', 'the same seed is the same mesh', whole(0), 1)
  .option('--seeds <n>', 'so many meshes, each with the next seed', whole(1), 1)
  .option('--churn <percent>', 'of the lenders go within a minute', whole(0), 10)
  .option('--stalls <percent>', 'of the questions make some engine hang for good', whole(0), 1)
  .parse();

const options = program.opts<Options>();
let wrong = false;
for (let seed = options.seed; seed < options.seed + options.seeds; seed++) wrong = !(await simulate(seed)) || wrong;
process.exit(wrong ? 1 : 0);

async function simulate(seed: number): Promise<boolean> {
  const requesters = Math.max(1, Math.round(options.peers * REQUESTERS_SHARE));
  const world = new World({
    seed,
    requesters,
    providers: options.peers - requesters,
    models: Math.max(1, Math.min(50, Math.round(options.peers / 50))),
    churnPerMinute: options.churn / 100,
    graceful: 0.5,
    stalls: options.stalls / 100,
    pauseSeconds: 60,
  });
  const startedMs = performance.now();
  await world.run(options.minutes);
  const faults = await world.quieten();
  for (const fault of faults.slice(0, SHOWN_FAULTS)) console.error(fault);
  const { peers, minutes, churn, stalls } = options;
  const again = `npm run sim -- --peers ${peers} --minutes ${minutes} --churn ${churn} --stalls ${stalls} --seed ${seed}`;
  if (faults.length > 0) console.error(`${faults.length} faults. Again: ${again}`);
  const tookSeconds = Number(((performance.now() - startedMs) / 1000).toFixed(1));
  console.log(JSON.stringify({ seed, faults: faults.length, ...summarise(world.questions), tookSeconds }));
  return faults.length === 0;
}

function whole(least: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!Number.isInteger(value) || value < least) throw new InvalidArgumentError(`a whole number from ${least} on`);
    return value;
  };
}
