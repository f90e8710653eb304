/**
 * `npm run attack`: every attack that worked once, each against a fresh mesh, while an honest visitor asks and is measured.
 * Ends with a table and one line of JSON, and with code 1 when one of them was not held.
 */
import { Command } from 'commander';
import { constants, setPriority } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { releaseMeshNodes } from 'llmesh/node/mesh-node';
import { ATTACKS } from './attacks/all.ts';
import type { Attack, Outcome } from './attack.ts';
import { felt } from './honest.ts';
import { MemoryWatch } from './memory.ts';
import { Program } from './program.ts';
import { Target } from './target.ts';

/** How long the mesh is watched undisturbed. */
const CALM_MS = 5_000;
/** After an attack that is over sooner, the visitor still gets this many questions, or this much time. */
const LEAST_QUESTIONS = 10;
const LEAST_QUESTIONS_MS = 20_000;
/** How much an honest visitor may suffer from an attack. */
const MAX_FIRST_WORD_RATIO = 2;
const MAX_HEALTHZ_MS = 200;
const MAX_MEMORY_RATIO = 1.5;

interface Row extends Outcome {
  attack: Attack;
  healthzMs: number;
  firstWordRatio: number;
  rssRatio: number;
}

const { only, list } = new Command('attack')
  .description('Attacks a mesh of its own on this computer, and says what it did to an honest visitor.')
  .option('--only <words>', 'those whose name has these words')
  .option('--list', 'say which there are')
  .parse()
  .opts<{ only?: string; list?: true }>();

const chosen = ATTACKS.filter(({ name }) => only === undefined || name.includes(only));
if (list) {
  for (const { name, before } of chosen) process.stdout.write(`${name}\n  once: ${before}\n`);
} else await attackAll();

async function attackAll(): Promise<void> {
  const rows: Row[] = [];
  for (const [i, attack] of chosen.entries()) {
    process.stdout.write(`${i + 1} of ${chosen.length}: ${attack.name}\n`);
    const row = await against(attack);
    rows.push(row);
    process.stdout.write(
      [
        `  once   ${attack.before}`,
        `  now    ${row.held ? 'held' : 'NOT HELD'}: ${row.now}`,
        `  bound  ${attack.bound}`,
        ...(attack.alone
          ? []
          : [
              `  others first word p95 × ${row.firstWordRatio.toFixed(2)}, health ${Math.round(row.healthzMs)} ms at most, memory × ${row.rssRatio.toFixed(2)}`,
            ]),
        '',
      ].join('\n'),
    );
  }
  releaseMeshNodes();
  const held = rows.filter((row) => row.held).length;
  const worst = (of: (row: Row) => number) => Math.max(0, ...rows.map(of));
  process.stdout.write(`${table(rows)}\n`);
  process.stdout.write(
    `${JSON.stringify({
      bench: 'attack',
      attacks: rows.length,
      held,
      worst: {
        healthzMs: Math.round(worst((row) => row.healthzMs)),
        firstWordRatio: round(worst((row) => row.firstWordRatio)),
        rssRatio: round(worst((row) => row.rssRatio)),
      },
    })}\n`,
  );
  process.exit(held === rows.length ? 0 : 1);
}

async function against(attack: Attack): Promise<Row> {
  const unmeasured = { attack, healthzMs: 0, firstWordRatio: 0, rssRatio: 0 };
  const target = await Target.start(attack.mesh);
  const memory = new MemoryWatch(() => target.programs);
  try {
    // Where nobody lends yet, nobody can be asked.
    if (attack.alone || attack.mesh.workers === 0)
      return { ...unmeasured, ...(await attack.run({ target, scale: 1 })) };
    const visitor = await Program.ready(['attack/src/visitor.ts', target.url], { name: 'visitor' });
    target.others.push(visitor);
    const calmFrom = visitor.lines.length;
    await sleep(CALM_MS);
    const stormFrom = visitor.lines.length;
    memory.attackBegins();
    const result = await elsewhere(() => attack.run({ target, scale: 1 }));
    const untilMs = performance.now() + LEAST_QUESTIONS_MS;
    while (felt(visitor, stormFrom).questions < LEAST_QUESTIONS && performance.now() < untilMs) await sleep(100);
    const [calm, storm] = [felt(visitor, calmFrom, stormFrom), felt(visitor, stormFrom)];
    const measured = {
      healthzMs: storm.healthzMaxMs,
      firstWordRatio: storm.firstWordP95Ms / calm.firstWordP95Ms,
      rssRatio: memory.worstRatio,
    };
    const faults = [
      ...(storm.unanswered.length > 0
        ? [`${storm.unanswered.length} honest questions unanswered (${storm.unanswered[0]})`]
        : []),
      ...(storm.questions === 0 ? ['no honest question was answered'] : []),
      ...(measured.healthzMs > MAX_HEALTHZ_MS ? [`health took ${Math.round(measured.healthzMs)} ms`] : []),
      ...(measured.firstWordRatio > MAX_FIRST_WORD_RATIO
        ? [`first word p95 ${Math.round(storm.firstWordP95Ms)} ms instead of ${Math.round(calm.firstWordP95Ms)}`]
        : []),
      ...(measured.rssRatio > MAX_MEMORY_RATIO ? [`memory × ${measured.rssRatio.toFixed(2)}`] : []),
    ];
    return {
      attack,
      ...measured,
      held: result.held && faults.length === 0,
      now: [...faults, result.now].join('; '),
    };
  } catch (error) {
    return { ...unmeasured, held: false, now: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  } finally {
    memory.stop();
    await target.stop();
  }
}

/** Attackers have computers of their own: here they get what the attacked leave over, where this account may take that back. */
async function elsewhere<T>(run: () => Promise<T>): Promise<T> {
  if (process.getuid?.() !== 0) return run();
  setPriority(constants.priority.PRIORITY_LOW);
  try {
    return await run();
  } finally {
    setPriority(constants.priority.PRIORITY_NORMAL);
  }
}

function table(rows: readonly Row[]): string {
  const lines = rows.map(
    ({ attack, held, now }) =>
      `| ${[attack.name, attack.before, `${held ? 'held' : 'NOT HELD'}: ${now}`, attack.bound].join(' | ')} |`,
  );
  return ['| attack | before | now | bound |', '| --- | --- | --- | --- |', ...lines].join('\n');
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
