/** Small meshes, as many as a test has time for. `npm run sim` makes larger ones, for longer. */
import { describe, expect, it } from 'vitest';
import { commandFor, PROGRAM, worldOptions, type SimOptions } from './options.ts';
import { simulate } from './simulate.ts';
import type { WorldOptions } from './world.ts';

const MINUTES = 2;
const CALM: WorldOptions = {
  seed: 1,
  providers: 16,
  requesters: 8,
  models: 2,
  questionsPerMinute: 3,
  greedy: 0,
  withdrawn: 0,
  churnPerMinute: 0,
  graceful: 0.5,
  stalls: 0,
  hiccups: 0,
  slow: 0,
  liars: 0,
  partitionsPerMinute: 0,
  restartsPerMinute: 0,
  hedge: true,
  resume: true,
};

function run(changes: Partial<WorldOptions>, minutes = MINUTES) {
  return simulate({ ...CALM, ...changes }, minutes);
}

describe('a mesh', () => {
  it('where nothing goes wrong answers everything, and needs nobody twice', async () => {
    const { faults, figures } = await run({});
    expect(faults).toEqual([]);
    expect(figures.asked).toBeGreaterThan(20);
    expect(figures).toMatchObject({ answered: figures.asked, completion: 1, resumed: 0 });
    expect(figures.extraWork).toBeLessThan(0.01);
  });

  it('whose providers die, leave and hang loses and doubles no word', async () => {
    const { faults, figures } = await run({ seed: 2, churnPerMinute: 2, stalls: 0.05, hiccups: 0.1 });
    expect(faults).toEqual([]);
    expect(figures.asked).toBeGreaterThan(20);
    expect(figures.resumed).toBeGreaterThan(0);
    expect(figures.completion).toBeGreaterThan(0.9);
  });

  it('in which all goes wrong at once still ends every question once', async () => {
    const { faults, figures } = await run({
      seed: 5,
      churnPerMinute: 0.5,
      stalls: 0.03,
      hiccups: 0.05,
      slow: 0.2,
      liars: 0.2,
      greedy: 0.2,
      withdrawn: 0.2,
      partitionsPerMinute: 2,
      restartsPerMinute: 1,
    });
    expect(faults).toEqual([]);
    expect(figures.answered).toBeGreaterThan(20);
    expect(figures.withdrawn).toBeGreaterThan(0);
  });

  it('of liars alone tells nobody a wrong word', async () => {
    const { faults, figures } = await run({ seed: 7, liars: 1 });
    expect(faults).toEqual([]);
    expect(figures.answered).toBeGreaterThan(0);
    // Seeing through a liar means asking another provider.
    expect(figures.extraWork).toBeGreaterThan(0.05);
  });

  it('continues what it writes while the control plane restarts', async () => {
    const { faults, figures } = await run({ seed: 8, restartsPerMinute: 2 });
    expect(faults).toEqual([]);
    expect(figures.brokenOff).toBe(0);
    expect(figures.answered).toBeGreaterThan(20);
  });

  it('with more questions than it can answer serves who asks alike alike, beside others that are greedy', async () => {
    const { faults, figures } = await run(
      { seed: 9, providers: 4, requesters: 20, models: 1, questionsPerMinute: 30, greedy: 0.2 },
      3,
    );
    expect(faults).toEqual([]);
    expect(figures.fairness).toBeGreaterThan(0.8);
  });

  it('finishes more of its answers when they are continued elsewhere', async () => {
    const churning = { seed: 10, churnPerMinute: 3, graceful: 0.5 };
    const [resuming, not] = [await run(churning), await run({ ...churning, resume: false })];
    expect([...resuming.faults, ...not.faults]).toEqual([]);
    expect(not.figures.brokenOff).toBeGreaterThan(0);
    expect(not.figures.resumed).toBe(0);
    expect(resuming.figures.completion).toBeGreaterThan(not.figures.completion);
  });

  it('of the same seed is the same mesh, and of another is another', async () => {
    const changes = {
      seed: 11,
      churnPerMinute: 0.6,
      stalls: 0.05,
      liars: 0.1,
      partitionsPerMinute: 1,
      restartsPerMinute: 1,
    };
    const once = await run(changes, 1);
    expect(await run(changes, 1)).toEqual(once);
    expect((await run({ ...changes, seed: 12 }, 1)).trace).not.toBe(once.trace);
  });
});

it('the command for a mesh that went wrong is for that mesh', () => {
  const read = (flags: string) => PROGRAM.parse(flags.split(' '), { from: 'user' }).opts<SimOptions>();
  const asked = { ...read('--peers 60 --liars 10 --partitions 0.5 --models 3 --no-hedge --seed 1 --seeds 9') };
  const again = read(commandFor(asked, 5).replace('npm run sim -- ', ''));
  expect(worldOptions(again, again.seed)).toEqual(worldOptions(asked, 5));
  expect(again.minutes).toBe(asked.minutes);
});
