import { beforeEach, describe, expect, it } from 'vitest';
import { ManualClock } from '@llmesh/core/testing/manual-clock';
import { DutyCycle } from './duty-cycle.ts';

const STEP_MS = 10;
const SHARE = 0.25;
const ROUND_MS = STEP_MS / SHARE;

let clock: ManualClock;
let duty: DutyCycle;
/** The times at which the steps of each answer were computed. */
let steps: { who: string; atMs: number }[];
let stop: AbortController;
beforeEach(() => {
  clock = new ManualClock();
  duty = new DutyCycle(SHARE, clock);
  [steps, stop] = [[], new AbortController()];
});

const compute = (who: string, ms = STEP_MS) =>
  new Promise<void>((resolve) => {
    steps.push({ who, atMs: clock.now() });
    clock.after(ms, resolve);
  });

/** Takes step after step, as an answer does. */
async function write(who: string, most = Infinity, signal = stop.signal): Promise<void> {
  for (let i = 0; i < most && !signal.aborted; i++) await duty.step(() => compute(who), signal);
}

const at = (atMs: number) => steps.filter((step) => step.atMs === atMs).map(({ who }) => who);

describe('a share of the time', () => {
  it('is kept, by steps that several answers take together', async () => {
    const answers = ['a', 'b', 'c'].map((who) => write(who, 100));
    await clock.advance(100 * ROUND_MS);
    await Promise.all(answers);
    const rounds = [...new Set(steps.map(({ atMs }) => atMs))];
    // A quarter of the time means 10 ms of work, then 30 ms of rest.
    expect(rounds).toEqual(Array.from({ length: 100 }, (_, i) => i * ROUND_MS));
    for (const round of rounds) expect(at(round)).toEqual(['a', 'b', 'c']);
  });

  it('counts the whole round, however long its steps are and no matter who joins it', async () => {
    const long = duty.step(() => compute('long', 40), stop.signal);
    await clock.advance(5);
    const late = write('late', 2);
    await clock.advance(5);
    // An answer whose step is done waits for the others, and for the pause.
    expect(steps.length).toBe(2);
    await clock.advance(30);
    await long;
    await clock.advance(119);
    expect(steps.length).toBe(2);
    await clock.advance(1);
    expect(at(160)).toEqual(['late']);
    await clock.advance(STEP_MS);
    await late;
  });

  it('of one hundred per cent has no pause, and one that nobody used begins at once', async () => {
    duty = new DutyCycle(1, clock);
    const all = write('a', 3);
    await clock.advance(3 * STEP_MS);
    await all;
    expect(steps.map(({ atMs }) => atMs)).toEqual([0, 10, 20]);
    await clock.advance(1_000);
    void write('b', 1);
    await clock.advance(0);
    expect(at(1_030)).toEqual(['b']);
  });

  it('holds up nobody who does not want to wait, and rests after a step that failed', async () => {
    await expect(duty.step(() => Promise.reject(new Error('broken')), stop.signal)).rejects.toThrow('broken');
    await clock.advance(0);
    const first = write('a', 1);
    await clock.advance(STEP_MS);
    await first;
    const waits = write('b', 1);
    const other = write('c', 1, new AbortController().signal);
    await clock.advance(1);
    stop.abort();
    await expect(waits).rejects.toMatchObject({ code: 'cancelled' });
    await clock.advance(ROUND_MS);
    await other;
    expect(steps.map(({ who }) => who)).toEqual(['a', 'c']);
  });
});
