import { beforeEach, describe, expect, it } from 'vitest';
import type { ModelId } from '@llmesh/core/base/ids';
import { offerKey } from '@llmesh/core/policy/offer-key';
import { ManualClock } from '@llmesh/core/testing/manual-clock';
import { Demand, MAX_OFFERS } from './demand.ts';

const M = offerKey({ model: 'm' as ModelId });
let clock: ManualClock;
let demand: Demand;
beforeEach(() => {
  clock = new ManualClock();
  demand = new Demand(clock);
});

/** Asked `perSecond` times a second, evenly, for so long. */
function ask(perSecond: number, seconds: number): void {
  for (let i = 0; i < perSecond * seconds; i++) {
    demand.asked(M);
    clock.turn(1000 / perSecond);
  }
}

describe('demand', () => {
  it('is none where nobody asks, one slot for one question, and fades', () => {
    expect(demand.slotsWanted(M, 1_000, 0)).toBe(0);
    demand.asked(M);
    clock.turn(1_000);
    expect(demand.slotsWanted(M, 5_000, 0)).toBe(1);
    clock.turn(120_000);
    expect(demand.slotsWanted(M, 5_000, 0)).toBe(0);
  });

  it('is what comes in the time that answers take, and a reserve', () => {
    for (let i = 0; i < 100; i++) demand.answered(M, 10_000);
    // Nobody had asked: nothing is known of it.
    expect(demand.size).toBe(0);
    demand.asked(M);
    for (let i = 0; i < 100; i++) demand.answered(M, 10_000);
    ask(1, 600);
    // One a second, ten seconds each: ten at once, a moment before the next comes half of one less; and three for chance.
    expect([1_000, 60_000].map((aheadMs) => demand.slotsWanted(M, aheadMs, 0))).toEqual([12, 13]);
  });

  it('follows a burst at once, and looks beyond it where loading takes long', () => {
    for (let i = 0; i < 8; i++) demand.asked(M);
    clock.turn(250);
    const [now, later] = [1_000, 120_000].map((aheadMs) => demand.slotsWanted(M, aheadMs, 0));
    expect(now).toBe(10);
    expect(later).toBeLessThan(5);
  });

  it('is more by those who wait', () => {
    demand.asked(M);
    clock.turn(250);
    expect(demand.slotsWanted(M, 1_000, 3)).toBe(5);
  });

  it('takes one question for one, however long answers take', () => {
    demand.asked(M);
    for (let i = 0; i < 100; i++) demand.answered(M, Number.MAX_SAFE_INTEGER);
    demand.asked(M);
    clock.turn(3_600_000);
    demand.asked(M);
    clock.turn(250);
    expect(demand.slotsWanted(M, 60_000, 0)).toBe(1);
  });

  it('remembers so many models, those last that were asked for last', () => {
    demand.asked(M);
    for (let i = 0; i < MAX_OFFERS; i++) demand.asked(offerKey({ model: `m${i}` as ModelId }));
    expect(demand.size).toBe(MAX_OFFERS);
    expect(demand.slotsWanted(M, 0, 0)).toBe(0);
  });
});
