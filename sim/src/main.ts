/** `npm run sim`: hours of a large mesh in minutes. A line of JSON for each seed; exit code 1 when anything was wrong. */
import { auditFigures } from './audits/audit-figures.ts';
import { choiceRows, choiceTable, recommended } from './choice-table.ts';
import { compare, comparisonTable } from './compare.ts';
import { auditedMeshOptions, commandFor, PROGRAM, worldOptions, type SimOptions } from './options.ts';
import { showOneEconomy } from './economy/show-economy.ts';
import { showLookups } from './lookup/show-lookups.ts';
import { showMornings } from './forecast/show-mornings.ts';
import { simulate, type Outcome } from './simulate.ts';

const SHOWN_FAULTS = 20;
/** Of somebody who asks, on average, in the honest mesh of `--economy`. */
const QUESTIONS_A_DAY = 8;
const CHOICE = { providers: 400, seconds: 200 };

const options = PROGRAM.parse().opts<SimOptions>();
const seeds = Array.from({ length: options.seeds }, (_, i) => options.seed + i);
process.exit((await chosen()()) ? 0 : 1);

function chosen(): () => Promise<boolean> {
  if (options.choice === true) return showChoice;
  if (options.audits === true) return showAudits;
  if (options.economy === true) return showEconomy;
  if (options.forecast === true) return showForecast;
  if (options.lookup === true) return showLookup;
  return options.compare === true ? showComparison : run;
}

async function run(): Promise<boolean> {
  let all = true;
  for (const seed of seeds) {
    const startedMs = performance.now();
    const passed = (minute: number) => console.error(`seed ${seed}: minute ${minute} of ${options.minutes}`);
    const outcome = await simulate(
      worldOptions(options, seed),
      options.minutes,
      options.progress === true ? passed : null,
    );
    const tookSeconds = Number(((performance.now() - startedMs) / 1000).toFixed(1));
    if (options.twice === true) {
      const again = await simulate(worldOptions(options, seed), options.minutes);
      if (again.trace !== outcome.trace) outcome.faults.push(`another run of this seed went otherwise: ${again.trace}`);
    }
    const { faults, trace, figures } = outcome;
    console.log(JSON.stringify({ seed, faults: faults.length, trace, ...figures, tookSeconds }));
    all = isWell(outcome, options) && all;
  }
  return all;
}

async function showComparison(): Promise<boolean> {
  const comparisons = await compare((seed) => worldOptions(options, seed), seeds, options.minutes);
  console.log(options.json === true ? JSON.stringify(comparisons) : comparisonTable(comparisons));
  const outcomes = comparisons.flatMap(({ changes, outcomes: own }) =>
    own.map((outcome) => isWell(outcome, { ...options, ...changes })),
  );
  return outcomes.every(Boolean);
}

async function showChoice(): Promise<boolean> {
  const rows = await choiceRows(options.seed, CHOICE.providers, CHOICE.seconds);
  const k = recommended(rows);
  console.log(options.json === true ? JSON.stringify({ rows, recommended: k }) : `${choiceTable(rows)}\n\nk = ${k}`);
  return true;
}

/** False: an honest provider was convicted, or kept from strangers. */
async function showAudits(): Promise<boolean> {
  let all = true;
  for (const seed of seeds) {
    const figures = await auditFigures(auditedMeshOptions(options, seed));
    console.log(JSON.stringify(figures));
    const { quarantined, convicted } = figures.honest;
    if (quarantined + convicted > 0)
      console.error(`seed ${seed}: ${quarantined + convicted} honest providers were banned`);
    all &&= quarantined + convicted === 0;
  }
  return all;
}

/** False: somebody gained by an attack. */
async function showEconomy(): Promise<boolean> {
  let all = true;
  for (const seed of seeds) {
    const shown = await showOneEconomy({ seed, peers: options.peers, days: options.days, questions: QUESTIONS_A_DAY });
    for (const attack of shown) console.error(`seed ${seed}: it paid to attack by ${attack}`);
    all &&= shown.length === 0;
  }
  return all;
}

/** False: the first questions of the day wait no less with the forecast. */
async function showForecast(): Promise<boolean> {
  let all = true;
  for (const seed of seeds) all = (await showMornings(seed, options)) && all;
  return all;
}

/** False: lookups fail, take too many hops, or liars cut peers off. */
async function showLookup(): Promise<boolean> {
  let all = true;
  for (const seed of seeds) all = (await showLookups(seed, options)) && all;
  return all;
}

/** Says what was wrong, and how to reproduce it. */
function isWell({ seed, faults }: Outcome, how: SimOptions): boolean {
  for (const fault of faults.slice(0, SHOWN_FAULTS)) console.error(fault);
  if (faults.length > 0) console.error(`${faults.length} faults. Again: ${commandFor(how, seed)}`);
  return faults.length === 0;
}
