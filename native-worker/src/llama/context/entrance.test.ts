import { describe, expect, it } from 'vitest';
import { Entrance } from './entrance.ts';

const never = new AbortController().signal;

describe('Entrance', () => {
  it('holds everybody back until the last newcomer is in', async () => {
    const entrance = new Entrance();
    const finish: (() => void)[] = [];
    const change = () => new Promise<void>((resolve) => finish.push(resolve));
    let steps = 0;
    const step = () => entrance.step(async () => (steps += 1), never);
    await step();
    expect(steps).toBe(1);
    const entered = [entrance.enter(change), entrance.enter(change)];
    const held = step();
    finish[0]?.();
    await entered[0];
    expect(steps).toBe(1);
    finish[1]?.();
    await entered[1];
    expect(await held).toBe(2);
    const next = step();
    // Nobody is entering, so it was asked for at once.
    expect(steps).toBe(3);
    await next;
  });

  it('opens again after a newcomer failed', async () => {
    const entrance = new Entrance();
    const failing = entrance.enter(() => Promise.reject(new Error('no')));
    const held = entrance.step(async () => 'made', never);
    await expect(failing).rejects.toThrow('no');
    expect(await held).toBe('made');
  });
});
