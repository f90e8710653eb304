import { describe, expect, it } from 'vitest';
import { Ahead, MAX_AHEAD } from './ahead.ts';

const never = new AbortController().signal;
const tick = () => new Promise((resolve) => setTimeout(resolve));

describe('an engine', () => {
  it('stays a few pieces ahead, and computes one for each that is taken', async () => {
    const ahead = new Ahead();
    const takes: (() => void)[] = [];
    let computed = 0;
    const engine = (async () => {
      while (computed < 20) {
        await ahead.drained(never);
        computed += 1;
        ahead.add(new Promise<void>((resolve) => takes.push(resolve)));
      }
    })();
    await tick();
    expect(computed).toBe(MAX_AHEAD);
    takes.shift()?.();
    await tick();
    expect(computed).toBe(MAX_AHEAD + 1);
    while (computed < 20) {
      takes.shift()?.();
      await tick();
    }
    await engine;
  });

  it('is not held by pieces that nobody takes when the answer is not wanted any more', async () => {
    const ahead = new Ahead();
    for (let i = 0; i < MAX_AHEAD; i++) ahead.add(new Promise(() => {}));
    const abort = new AbortController();
    const drained = ahead.drained(abort.signal);
    abort.abort();
    await expect(drained).resolves.toBe(undefined);
  });
});
