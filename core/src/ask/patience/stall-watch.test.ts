import { describe, expect, it } from 'vitest';
import type { Clock } from '../../base/clock.ts';
import { ManualClock } from '../../testing/manual-clock.ts';
import { StallWatch } from './stall-watch.ts';

function setUp(clock: Clock) {
  const seen = { suspicions: 0, stalls: 0 };
  const watch = new StallWatch(clock, { suspected: () => seen.suspicions++, stalled: () => seen.stalls++ });
  return { watch, seen };
}

describe('a stream', () => {
  it('that has not begun may take its time, and not for ever', async () => {
    const clock = new ManualClock();
    const { seen } = setUp(clock);
    await clock.advance(7_900);
    expect(seen).toEqual({ suspicions: 0, stalls: 0 });
    await clock.advance(291_000);
    expect(seen).toMatchObject({ stalls: 0 });
    await clock.advance(2_000);
    expect(seen).toMatchObject({ stalls: 1 });
  });

  it('that stays quiet is suspected again, each time after twice as long', async () => {
    const clock = new ManualClock();
    const atMs: number[] = [];
    new StallWatch(clock, { suspected: () => atMs.push(clock.now()), stalled: () => {} });
    const beganMs = clock.now();
    await clock.advance(299_000);
    expect(atMs.map((ms) => (ms - beganMs) / 1_000)).toEqual([8, 16, 32, 64, 128, 256]);
  });

  it('whose model is loaded first is given the time for it, before its first piece alone', async () => {
    const clock = new ManualClock();
    const atMs: number[] = [];
    const watch = new StallWatch(
      clock,
      { suspected: () => atMs.push(clock.now()), stalled: () => {} },
      { loadingMs: 10_000, pauseMs: 0 },
    );
    await clock.advance(18_000);
    expect(atMs).toEqual([18_000]);
    watch.heard();
    await clock.advance(4_000);
    expect(atMs).toEqual([18_000, 22_000]);
  });

  it.each([
    ['fast', 20, 400, 5_000],
    ['slow', 300, 2_400, 12_000],
    ['very slow', 3_500, 8_000, 20_000],
  ])(
    'that was %s is suspected, and given up, after a multiple of its own pause',
    async (_, pauseMs, suspectMs, stallMs) => {
      const clock = new ManualClock();
      const { watch, seen } = setUp(clock);
      for (let i = 0; i < 60; i++) {
        await clock.advance(pauseMs);
        watch.heard();
      }
      await clock.advance(suspectMs * 0.95);
      expect(seen).toEqual({ suspicions: 0, stalls: 0 });
      await clock.advance(suspectMs * 0.1);
      expect(seen).toEqual({ suspicions: 1, stalls: 0 });
      await clock.advance(stallMs - suspectMs * 1.1);
      expect(seen.stalls).toBe(0);
      await clock.advance(200_000);
      expect(seen.stalls).toBe(1);
    },
  );

  it('that goes on after all is as good as before', async () => {
    const clock = new ManualClock();
    const { watch, seen } = setUp(clock);
    for (let i = 0; i < 60; i++) {
      await clock.advance(20);
      watch.heard();
    }
    await clock.advance(1_000);
    watch.heard();
    expect(seen).toEqual({ suspicions: 1, stalls: 0 });
    for (let i = 0; i < 60; i++) {
      await clock.advance(20);
      watch.heard();
    }
    expect(seen).toEqual({ suspicions: 1, stalls: 0 });
    await clock.advance(1_000);
    expect(seen).toEqual({ suspicions: 2, stalls: 0 });
  });

  it('that is over does not stall', async () => {
    const clock = new ManualClock();
    const { watch, seen } = setUp(clock);
    watch.heard();
    watch.stop();
    watch.stop();
    await clock.advance(100_000);
    expect(seen).toEqual({ suspicions: 0, stalls: 0 });
  });

  it('is given time again when this computer slept', () => {
    let nowMs = 0;
    const timers: (() => void)[] = [];
    const asleep: Clock = {
      now: () => nowMs,
      after: (_, run) => {
        timers.push(run);
        return () => {};
      },
    };
    const { watch, seen } = setUp(asleep);
    watch.heard();
    nowMs = 3_600_000;
    timers.at(-1)?.();
    expect(seen.suspicions).toBe(0);
    nowMs += watch.limitMs;
    timers.at(-1)?.();
    expect(seen.suspicions).toBe(1);
  });

  it('from a provider that says how slow it is has some of its pauses, and not any number', async () => {
    const claimed = async (pauseMs: number) => {
      const clock = new ManualClock();
      const seen: string[] = [];
      const told = (what: string) => () => seen.push(`${what} after ${clock.now() / 1000} s`);
      const watch = new StallWatch(
        clock,
        { suspected: told('suspected'), stalled: told('stalled') },
        { loadingMs: 0, pauseMs },
      );
      watch.heard();
      await clock.advance(400_000);
      return [seen[0], seen.at(-1)];
    };
    expect(await claimed(20_000)).toEqual(['suspected after 40 s', 'stalled after 60 s']);
    expect(await claimed(3_600_000)).toEqual(['suspected after 60 s', 'stalled after 90 s']);
    expect(await claimed(10)).toEqual(['suspected after 4 s', 'stalled after 20 s']);
  });
});
