import { flushSync } from 'svelte';
import { afterEach, describe, expect, it } from 'vitest';
import { ManualClock } from '@llmesh/core/testing/manual-clock';
import { MemoryStore } from '../../store.ts';
import { pretendLending } from '../../../testing/pretend-lending.svelte.ts';
import { Resting } from './resting.svelte.ts';

const stops: (() => void)[] = [];
afterEach(() => {
  for (const stop of stops.splice(0)) stop();
});

const NOON = new Date('2026-03-10T12:00').getTime();
const HOUR_MS = 3_600_000;

/** A browser that tells what it is told to tell. */
class PretendSense {
  told: ((is: boolean | null) => void) | null = null;
  granted = true;

  follow(told: (is: boolean | null) => void): () => void {
    this.told = told;
    return () => (this.told = null);
  }

  async ask(): Promise<boolean> {
    return this.granted;
  }
}

function setUp(store = new MemoryStore()) {
  const clock = new ManualClock();
  const lending = pretendLending();
  const [battery, presence] = [new PretendSense(), new PretendSense()];
  const turns: boolean[] = [];
  const { resting, stop } = Resting.follow({
    store,
    clock,
    now: () => NOON + clock.now(),
    battery,
    presence,
    lending: () => lending.on,
    turned: (rests) => turns.push(rests),
    failed: (error) => {
      throw error;
    },
  });
  stops.push(stop);
  /** What was told since the last look. */
  const turned = () => {
    flushSync();
    return turns.splice(0);
  };
  return { resting, lending, battery, presence, clock, store, turned };
}

describe('Resting, with a pretended browser', () => {
  it('does not rest where nothing was chosen', () => {
    const { lending, turned, battery } = setUp();
    lending.on = true;
    expect([turned(), battery.told]).toEqual([[false], null]);
  });

  it('rests through a pause, in another tab and after a reload too, and goes on when it is over', async () => {
    const { resting, lending, store, clock, turned } = setUp();
    lending.on = true;
    turned();
    resting.pauseUntil(NOON + HOUR_MS);
    expect([turned(), resting.rest]).toEqual([[true], { why: 'paused', untilMs: NOON + HOUR_MS }]);
    const other = setUp(store);
    await other.resting.restore();
    expect(other.resting.rest?.why).toBe('paused');
    await clock.advance(HOUR_MS - 1);
    expect(turned()).toEqual([]);
    await clock.advance(1);
    expect([turned(), resting.rest]).toEqual([[false], null]);
    resting.pauseUntil(NOON + 9 * HOUR_MS);
    turned();
    resting.goOn();
    expect([turned(), resting.terms.pausedUntilMs]).toEqual([[false], null]);
  });

  it('keeps to its hours', async () => {
    const { resting, lending, clock, turned } = setUp();
    lending.on = true;
    resting.hours = { fromMinute: 13 * 60, toMinute: 14 * 60 };
    expect(turned()).toEqual([true]);
    await clock.advance(HOUR_MS);
    expect(turned()).toEqual([false]);
    await clock.advance(HOUR_MS);
    expect([turned(), resting.rest?.why]).toEqual([[true], 'hours']);
  });

  it('looks at the battery only while that matters, and says where it cannot', () => {
    const { resting, lending, battery, turned } = setUp();
    resting.onMains = true;
    turned();
    expect(battery.told).toBeNull();
    lending.on = true;
    turned();
    battery.told?.(null);
    expect([turned(), resting.batteryUntold]).toEqual([[], true]);
    battery.told?.(true);
    expect([turned(), resting.rest, resting.batteryUntold]).toEqual([[true], { why: 'battery' }, false]);
    battery.told?.(false);
    expect(turned()).toEqual([false]);
    resting.onMains = false;
    turned();
    expect(battery.told).toBeNull();
  });

  it('asks before it looks whether somebody is here, and does without where that is refused', async () => {
    const { resting, lending, presence, turned } = setUp();
    lending.on = true;
    presence.granted = false;
    await resting.chooseAway(true);
    expect([resting.terms.whenAway, resting.presenceRefused]).toEqual([false, true]);
    presence.granted = true;
    await resting.chooseAway(true);
    turned();
    presence.told?.(true);
    expect([turned(), resting.rest, resting.presenceRefused]).toEqual([[true], { why: 'in-use' }, false]);
    presence.told?.(false);
    expect(turned()).toEqual([false]);
  });

  it('takes nothing that is no choice from the store', async () => {
    const { resting, store } = setUp();
    const hours = { fromMinute: 60, toMinute: 60 };
    const kept = { version: 1, value: { hours, onMains: true, whenAway: false, pausedUntilMs: null } };
    await store.set([['record/rest', kept]]);
    await resting.restore();
    expect(resting.terms).toEqual({ hours: null, onMains: false, whenAway: false, pausedUntilMs: null });
  });
});
