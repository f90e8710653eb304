/**
 * Three tabs of one browser ask, stop, continue, delete, undo, clear, reload and are killed, at random and at once: no turn is lost, none
 * doubled, and all tabs show what is kept. `OPERATIONS=10000` does more of them, `SEED` the same again.
 */
import { expect, type Browser } from '@playwright/test';
import { mulberry32 } from '@llmesh/core/testing/mulberry32';
import { launch } from '../src/browsers.ts';
import { TalksLedger } from '../src/talks-ledger.ts';
import { serveTalks, Tab, type Operation } from '../src/talks-tabs.ts';
import { test } from '../src/visit.ts';

const OPERATIONS = Number(process.env['OPERATIONS'] ?? 240);
const SEED = Number(process.env['SEED'] ?? Date.now() % 1_000_000);
const TABS = 3;
/** What a tab does before all are compared. */
const MOST_IN_A_ROUND = 5;

let browser: Browser;
let served: Awaited<ReturnType<typeof serveTalks>>;
test.beforeAll(async () => {
  [browser, served] = await Promise.all([launch('chromium'), serveTalks()]);
});
test.afterAll(async () => {
  await browser.close();
  await served.close();
});

const DELETES: ReadonlySet<string> = new Set(['remove', 'takeBack', 'clear']);
const ACTS: readonly (readonly [name: string, weight: number])[] = [
  ...([
    ['ask', 30],
    ['show', 18],
    ['goOn', 8],
    ['again', 5],
    ['stop', 8],
    ['draft', 8],
  ] as const),
  ...([
    ['remove', 5],
    ['undo', 4],
    ['takeBack', 4],
    ['clear', 0.4],
    ['reload', 3],
    ['kill', 2],
  ] as const),
];

test(`${OPERATIONS} random operations by three tabs lose no turn and double none`, async () => {
  test.setTimeout(60_000 + OPERATIONS * 1_000);
  console.log(`SEED=${SEED} OPERATIONS=${OPERATIONS}`);
  const dice = mulberry32(SEED);
  const pick = (below: number) => Math.floor(dice() * below);
  const context = await browser.newContext();
  const ledger = new TalksLedger();
  /** Who has each question's answer written. */
  const writers = new Map<string, Tab>();
  const leaving = new Set<Tab>();
  const faults: string[] = [];
  const log: string[] = [];
  const tabs = Array.from(
    { length: TABS },
    () =>
      new Tab(context, served.url, (tab, what, which) => {
        if (what === 'fails') faults.push(which);
        else if (what === 'ends') writers.delete(which);
        else {
          const writer = writers.get(which);
          // A page that is on its way out may still have begun it: its word comes before its end, and its end without a word.
          if (writer !== undefined && !leaving.has(writer)) faults.push(`${which} is asked twice at once`);
          writers.set(which, tab);
        }
      }),
  );
  let lent = true;
  await Promise.all(tabs.map((tab) => tab.open(lent)));

  /** Draws what a tab does in this round, before any tab begins: the same seed plans the same, however quick the tabs are. */
  function plan(): Operation[] {
    return Array.from({ length: 1 + pick(MOST_IN_A_ROUND) }, (): Operation => {
      const name = chosen(dice());
      switch (name) {
        case 'ask': {
          const question = `q${ledger.size}`;
          ledger.asked(question);
          return [name, question, dice() < 0.2];
        }
        case 'show':
        case 'remove':
        case 'draft':
          return [name, pick(40)];
        default:
          return [name];
      }
    });
  }

  async function perform(tab: Tab, operations: readonly Operation[]): Promise<void> {
    // What comes between two reloads is done at once in the tab: a word to the browser and back takes longer than most of it.
    for (let from = 0; from < operations.length;) {
      const leaves = operations.findIndex(([name], i) => i >= from && (name === 'reload' || name === 'kill'));
      const until = leaves < 0 ? operations.length : leaves;
      const acts = operations.slice(from, until);
      log.push(...acts.map(([name]) => `${tabs.indexOf(tab)} ${name}`));
      const talks = await tab.perform(acts);
      acts.forEach((act, i) => note(act, talks[i]!));
      if (leaves >= 0) await leave(tab, operations[leaves]![0]);
      from = until + 1;
    }
  }

  function note([name, question]: Operation, talk: string | null): void {
    if (name === 'ask' && talk === null) ledger.withdraw(String(question));
    else if (name === 'ask') ledger.keptIn(String(question), talk!);
    else if (name === 'undo') ledger.undone();
    else if (DELETES.has(name) && talk !== null) ledger.deletedIn(talk);
  }

  async function leave(tab: Tab, name: string): Promise<void> {
    log.push(`${tabs.indexOf(tab)} ${name}`);
    ledger.killed();
    leaving.add(tab);
    if (name === 'reload') await tab.reload(lent);
    else await tab.kill(lent);
    writers.forEach((writer, which) => writer === tab && writers.delete(which));
    leaving.delete(tab);
  }

  let done = 0;
  while (done < OPERATIONS && faults.length === 0) {
    ledger.begin();
    log.length = 0;
    const plans = tabs.map(plan);
    done += plans.flat().length;
    await Promise.all(tabs.map((tab, i) => perform(tab, plans[i]!)));
    // Now and then nobody lends the model for a while, so that questions wait for all tabs.
    if (dice() < 0.2) {
      lent = !lent;
      await Promise.all(tabs.map((tab) => tab.perform([['lend', lent]])));
    }
    faults.push(...(await differences(tabs)));
    faults.push(...ledger.faults(await tabs[0]!.kept()));
    if (Math.floor(done / 500) > Math.floor((done - plans.flat().length) / 500)) console.log(`${done} operations`);
  }
  expect(faults, `SEED=${SEED}, after ${done} operations; the last round: ${log.join(', ')}`).toEqual([]);
  console.log(`${done} operations, ${ledger.size} questions: none lost, none doubled`);
  await context.close();
});

test('what was typed last is in the box again, however its tab ends', async () => {
  const faults: string[] = [];
  const context = await browser.newContext();
  const tab = new Tab(context, served.url, (_, what, which) => what === 'fails' && faults.push(which));
  await tab.open(true);
  await tab.perform([['ask', 'q0', true]]);
  for (const [number, end] of (['kill', 'reload', 'kill'] as const).entries()) {
    const [talk] = await tab.perform([['draft', number]]);
    await tab[end](true);
    await tab.perform([['show', 0]]);
    await expect.poll(async () => (await tab.shown()).box).toBe(`${talk} ${number}`);
  }
  expect(faults).toEqual([]);
  await context.close();
});

function chosen(roll: number): string {
  const whole = ACTS.reduce((sum, [, weight]) => sum + weight, 0);
  let at = roll * whole;
  for (const [name, weight] of ACTS) {
    at -= weight;
    if (at < 0) return name;
  }
  return 'ask';
}

/** Where the tabs show something else than what is kept, once all have come to rest. */
async function differences(tabs: readonly Tab[]): Promise<string[]> {
  let found: string[] = [];
  for (let tries = 0; tries < 100; tries++) {
    found = [];
    const { talks, turns, drafts } = await tabs[0]!.kept();
    for (const [i, tab] of tabs.entries()) {
      const shown = await tab.shown();
      if (shown.busy) found.push(`tab ${i} is at work`);
      if (shown.talks.join() !== talks.join())
        found.push(`tab ${i} lists ${shown.talks.join()}, kept is ${talks.join()}`);
      const kept = turns.filter(({ key }) => key.startsWith(`turn/${shown.open}/`));
      const lines = kept.map(({ turn }) => [turn.id, turn.text, turn.state ?? '']);
      if (JSON.stringify(lines) !== JSON.stringify(shown.turns))
        found.push(`tab ${i} shows ${JSON.stringify(shown.turns)}, kept is ${JSON.stringify(lines)}`);
    }
    for (const { turn } of turns) found.push(...wrongWords(turn, turns));
    for (const [key, text] of drafts) {
      const talk = key.slice('draft/'.length);
      if (talks.includes(talk) && text.split(' ')[0] !== talk) found.push(`the box of ${talk} has ${text}`);
    }
    if (found.length === 0) return [];
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return found;
}

type KeptTurns = Awaited<ReturnType<Tab['kept']>>['turns'];

/** An answer is the beginning of the one and only answer to its question, and all of it once it is done. */
function wrongWords(answer: KeptTurns[number]['turn'], turns: KeptTurns): string[] {
  if (answer.role === 'user') return [];
  const at = turns.findIndex(({ turn }) => turn.id === answer.id);
  const question = turns[at - 1]?.turn.text ?? '';
  const words = Array.from({ length: 5 + (question.length % 5) }, (_, i) => `${question}.${i} `).join('');
  const isRight = answer.state === 'done' ? answer.text === words : words.startsWith(answer.text);
  return isRight ? [] : [`the answer to ${question} is ${answer.state}: ${answer.text}`];
}
