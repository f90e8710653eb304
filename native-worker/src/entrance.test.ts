import { describe, expect, it } from 'vitest';
import { Entrance } from './entrance.ts';

describe('Entrance', () => {
  it('holds everybody back until the last newcomer is in', async () => {
    const entrance = new Entrance();
    expect(entrance.closed).toBe(null);
    const finish: (() => void)[] = [];
    const change = () => new Promise<void>((resolve) => finish.push(resolve));
    const entered = [entrance.enter(change), entrance.enter(change)];
    let passed = false;
    const passing = entrance.closed?.then(() => (passed = true));
    finish[0]?.();
    await entered[0];
    expect(passed).toBe(false);
    finish[1]?.();
    await entered[1];
    await passing;
    expect(passed).toBe(true);
    expect(entrance.closed).toBe(null);
  });

  it('opens again after a newcomer that failed', async () => {
    const entrance = new Entrance();
    const failing = entrance.enter(() => Promise.reject(new Error('no')));
    const { closed } = entrance;
    await expect(failing).rejects.toThrow('no');
    await expect(closed).resolves.toBe(undefined);
    expect(entrance.closed).toBe(null);
  });
});
