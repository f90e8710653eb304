import { describe, expect, it } from 'vitest';
import { Breakers } from './breaker.ts';
import { newPeerId } from '../../base/ids.ts';
import { ManualClock } from '../../testing/manual-clock.ts';

function setUp() {
  const clock = new ManualClock();
  return { clock, breakers: new Breakers(clock, () => 0.5), peer: newPeerId() };
}

describe('a provider', () => {
  it('that never failed is not left alone, however often it is tried', () => {
    const { breakers, peer } = setUp();
    breakers.trying(peer);
    expect(breakers.isOpen(peer)).toBe(false);
  });

  it('that failed is left alone, longer each time, and no longer than a while', async () => {
    const { clock, breakers, peer } = setUp();
    const waits: number[] = [];
    for (let i = 0; i < 12; i++) {
      breakers.failed(peer);
      const fromMs = clock.now();
      while (breakers.isOpen(peer)) await clock.advance(50);
      waits.push(clock.now() - fromMs);
    }
    expect(waits[1]).toBeGreaterThan(waits[0]!);
    expect(waits[3]).toBeGreaterThan(waits[1]!);
    expect(Math.max(...waits)).toBeLessThanOrEqual(60_000);
  });

  it('gets one trial at a time when it comes back', async () => {
    const { clock, breakers, peer } = setUp();
    breakers.failed(peer);
    await clock.advance(60_000);
    expect(breakers.isOpen(peer)).toBe(false);
    breakers.trying(peer);
    expect(breakers.isOpen(peer)).toBe(true);
    breakers.undecided(peer);
    expect(breakers.isOpen(peer)).toBe(false);
  });

  it('that works again is as good as new', async () => {
    const { clock, breakers, peer } = setUp();
    for (let i = 0; i < 5; i++) breakers.failed(peer);
    breakers.worked(peer);
    expect(breakers.isOpen(peer)).toBe(false);
    breakers.failed(peer);
    await clock.advance(3_000);
    expect(breakers.isOpen(peer)).toBe(false);
  });

  it('of very many is forgotten at last', () => {
    const { breakers, peer } = setUp();
    breakers.failed(peer);
    for (let i = 0; i < 1_024; i++) breakers.failed(newPeerId());
    expect(breakers.isOpen(peer)).toBe(false);
  });
});
