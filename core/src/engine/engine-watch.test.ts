import { describe, expect, it } from 'vitest';
import { EngineWatch } from './engine-watch.ts';

/** Looks twice a second until it hangs; the milliseconds that took, or null within an hour. */
function hangsAfter(watch: EngineWatch, fromMs: number): number | null {
  for (let ms = 0; ms < 3_600_000; ms += 500) if (watch.hung(fromMs + ms)) return ms;
  return null;
}

/** Writes some pieces with pauses; ends when the next was asked for. */
function wrote(watch: EngineWatch, pieces: number, pauseMs: number): number {
  let nowMs = 0;
  watch.asked(nowMs);
  for (let i = 0; i < pieces; i++) {
    watch.came((nowMs += pauseMs));
    watch.asked(nowMs);
  }
  return nowMs;
}

describe('an engine that says nothing', () => {
  it('in mid-answer hangs after ten seconds, or twenty of its own pauses', () => {
    const fast = new EngineWatch(100);
    expect(hangsAfter(fast, wrote(fast, 20, 30))).toBe(10_500);
    const slow = new EngineWatch(100);
    expect(hangsAfter(slow, wrote(slow, 20, 2_000))).toBe(40_500);
  });

  it('before its first piece has minutes, and more for a long prompt', () => {
    const short = new EngineWatch(0);
    short.asked(0);
    expect(hangsAfter(short, 0)).toBe(300_500);
    const long = new EngineWatch(10_000);
    long.asked(0);
    expect(hangsAfter(long, 0)).toBe(800_500);
  });

  it('has that patience again before each piece that needs reading', () => {
    const watch = new EngineWatch(0, true);
    expect(hangsAfter(watch, wrote(watch, 20, 30))).toBe(300_500);
  });

  it('after it was told to stop has ten seconds', () => {
    const watch = new EngineWatch(10_000);
    watch.asked(0);
    watch.stopping(5_000);
    expect(hangsAfter(watch, 5_000)).toBe(10_500);
  });

  it('does not hang while nothing is asked of it, or while the computer sleeps', () => {
    const idle = new EngineWatch(0);
    idle.asked(0);
    idle.came(10);
    expect(hangsAfter(idle, 10)).toBeNull();
    const asleep = new EngineWatch(0);
    const nowMs = wrote(asleep, 20, 30);
    expect(asleep.hung(nowMs + 3_600_000)).toBe(false);
    asleep.came(nowMs + 3_600_010);
    asleep.asked(nowMs + 3_600_010);
    expect(asleep.hung(nowMs + 3_600_500)).toBe(false);
  });
});
