import { flushSync } from 'svelte';
import { afterEach, describe, expect, it } from 'vitest';
import { Background } from './background.svelte.ts';
import { MemoryStore } from '../store.ts';
import { pretendLending } from '../../testing/pretend-lending.svelte.ts';

const stops: (() => void)[] = [];
afterEach(() => {
  for (const stop of stops.splice(0)) stop();
});

function setUp(works = true, store = new MemoryStore(), old: unknown = null) {
  const does: string[] = [];
  const lending = pretendLending();
  const time = { ms: 0 };
  const { background, stop } = Background.follow({
    store,
    old: { read: () => old, write: (value) => (old = value) },
    // As DonateState tells it: looks at how the lending goes, too.
    lending: () => lending.atWork || lending.on,
    tone: {
      start: async () => does.push('tone') > 0 && works,
      stop: async () => void does.push('no tone'),
    },
    screen: {
      hold: async () => does.push('screen') > 0 && works,
      release: async () => void does.push('no screen'),
    },
    now: () => time.ms,
    failed: (error) => {
      throw error;
    },
  });
  stops.push(stop);
  /** What was done since the last look. */
  const done = async () => {
    flushSync();
    await Promise.resolve();
    return does.splice(0);
  };
  return { background, lending, store, time, done };
}

describe('Background, with a pretended tone, screen and lending', () => {
  it('does nothing that was not asked for', async () => {
    const { lending, done } = setUp();
    await done();
    lending.on = true;
    expect(await done()).toEqual([]);
  });

  it('keeps a hidden tab awake as long as it lends', async () => {
    const { background, lending, done } = setUp();
    background.keepLending = true;
    expect((await done()).filter((one) => one === 'tone')).toEqual([]);
    lending.on = true;
    expect(await done()).toEqual(['tone']);
    lending.on = false;
    expect(await done()).toEqual(['no tone']);
  });

  it('keeps the screen on while it lends and is seen, and asks anew when it is seen again', async () => {
    const { background, lending, done } = setUp();
    background.keepScreen = true;
    lending.on = true;
    expect(await done()).toContain('screen');
    background.takeVisible(false);
    expect(await done()).toEqual(['no screen']);
    background.takeVisible(true);
    expect(await done()).toEqual(['screen']);
    background.keepScreen = false;
    expect(await done()).toEqual(['no screen']);
  });

  it('says when the browser does not do it', async () => {
    const { background, lending, done } = setUp(false);
    background.keepLending = background.keepScreen = lending.on = true;
    await done();
    expect([background.toneFails, background.screenFails]).toEqual([true, true]);
    background.keepLending = false;
    expect(background.toneFails).toBe(false);
  });

  it('goes on saying so, and asks the browser for nothing, while answers come and go', async () => {
    const { background, lending, done } = setUp(false);
    background.keepLending = background.keepScreen = lending.on = true;
    await done();
    for (const atWork of [true, false]) {
      lending.atWork = atWork;
      flushSync();
      expect([background.toneFails, background.screenFails]).toEqual([true, true]);
      expect(await done()).toEqual([]);
    }
  });

  it('does not take the end of an earlier try for a failure', async () => {
    const { background, lending, done } = setUp(false);
    background.keepLending = lending.on = true;
    flushSync();
    lending.on = false;
    expect(await done()).toEqual(['tone', 'no tone']);
    expect(background.toneFails).toBe(false);
  });

  it('says afterwards that a hidden tab may have been slow, unless it was kept awake', async () => {
    const { background, lending, time, done } = setUp();
    const away = (ms: number) => {
      background.takeVisible(false);
      time.ms += ms;
      background.takeVisible(true);
    };
    away(600_000);
    expect(background.slowedMs).toBeNull();
    lending.on = true;
    away(30_000);
    expect(background.slowedMs).toBeNull();
    away(180_000);
    expect(background.slowedMs).toBe(180_000);
    background.keepLending = true;
    await done();
    away(180_000);
    expect(background.slowedMs).toBeNull();
  });

  it('remembers what was chosen, also before there were records', async () => {
    const { background, store } = setUp(true, new MemoryStore(), { keepLending: true, keepScreen: false });
    await background.restore();
    background.keepScreen = true;
    const again = setUp(true, new MemoryStore(store)).background;
    await again.restore();
    expect([again.keepLending, again.keepScreen]).toEqual([true, true]);
  });
});
