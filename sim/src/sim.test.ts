/** Small meshes, as many as there is time for in a test. `npm run sim` makes larger ones, for longer. */
import { describe, expect, it } from 'vitest';
import { summarise } from './questions.ts';
import { VirtualClock } from './virtual-clock.ts';
import { World, type WorldOptions } from './world.ts';

const MINUTES = 2;

async function simulate(changes: Partial<WorldOptions>) {
  const world = new World({
    ...{ seed: 1, providers: 16, requesters: 8, models: 2, pauseSeconds: 20 },
    ...{ churnPerMinute: 0, graceful: 0.5, stalls: 0, ...changes },
  });
  await world.run(MINUTES);
  return { faults: await world.quieten(), summary: summarise(world.questions) };
}

describe('a mesh', () => {
  it('where nothing goes wrong answers everything, and needs nobody twice', async () => {
    const { faults, summary } = await simulate({});
    expect(faults).toEqual([]);
    expect(summary.asked).toBeGreaterThan(20);
    expect(summary).toMatchObject({ answered: summary.asked, resumed: 0 });
  });

  it.each([2, 3])('whose providers die, leave and hang loses and doubles no word (seed %i)', async (seed) => {
    const { faults, summary } = await simulate({ seed, churnPerMinute: 2, stalls: 0.05 });
    expect(faults).toEqual([]);
    expect(summary.asked).toBeGreaterThan(20);
    expect(summary.resumed).toBeGreaterThan(0);
    expect(summary.answered / summary.asked).toBeGreaterThan(0.9);
  });

  it('of the same seed is the same mesh', async () => {
    const once = await simulate({ seed: 4, churnPerMinute: 0.6, stalls: 0.05 });
    const again = await simulate({ seed: 4, churnPerMinute: 0.6, stalls: 0.05 });
    expect(again.summary).toEqual(once.summary);
  });
});

describe('the clock', () => {
  it('runs what is due in its order, with what it wakes, and nothing later', async () => {
    const clock = new VirtualClock();
    const ran: string[] = [];
    clock.after(20, () => ran.push('late'));
    clock.after(10, () => {
      ran.push('first');
      clock.after(0, () => ran.push('third'));
      void Promise.resolve().then(() => ran.push('woken'));
    });
    clock.after(10, () => ran.push('second'));
    const cancel = clock.after(5, () => ran.push('never'));
    cancel();
    cancel();
    await clock.run(15);
    expect(ran).toEqual(['first', 'second', 'third', 'woken']);
    expect(clock.now()).toBe(15);
  });

  it('keeps its order with very many', async () => {
    const clock = new VirtualClock();
    const times: number[] = [];
    for (let i = 0; i < 1_000; i++) {
      const ms = (i * 7_919) % 1_000;
      clock.after(ms, () => times.push(ms));
    }
    await clock.run(1_000);
    expect(times).toEqual(times.toSorted((a, b) => a - b));
    expect(times.length).toBe(1_000);
  });
});
