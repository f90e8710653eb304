import { describe, expect, it } from 'vitest';
import { EngineWatch } from './engine-watch.ts';

/** Looks twice a second until it hangs; the milliseconds that took, or null within an hour. */
function hangsAfter(watch: EngineWatch, fromMs: number): number | null {
  for (let ms = 0; ms < 3_600_000; ms += 500) if (watch.hung(fromMs + ms)) return ms;
  return null;
}

/** So many pieces, so far apart; ends when the next was asked for. */
function wrote(watch: EngineWatch, pieces: number, pauseMs: number, bytes = 0): number {
  let nowMs = 0;
  watch.asked(nowMs, bytes);
  for (let i = 0; i < pieces; i++) {
    watch.came((nowMs += pauseMs));
    watch.asked(nowMs, bytes);
  }
  return nowMs;
}

describe('an engine that says nothing', () => {
  it('in mid-answer hangs after ten seconds, or twenty of its own pauses', () => {
    const fast = new EngineWatch();
    expect(hangsAfter(fast, wrote(fast, 20, 30))).toBe(10_500);
    const slow = new EngineWatch();
    expect(hangsAfter(slow, wrote(slow, 20, 2_000))).toBe(40_500);
  });

  it('before its second piece hangs after thirty seconds, or three times what the first took', () => {
    const fast = new EngineWatch();
    expect(hangsAfter(fast, wrote(fast, 1, 30))).toBe(30_500);
    const slow = new EngineWatch();
    expect(hangsAfter(slow, wrote(slow, 1, 60_000))).toBe(180_500);
  });

  it('that writes a word in half a minute is slow, and told to stop it may end the word', () => {
    const slow = new EngineWatch();
    const nowMs = wrote(slow, 3, 30_000);
    expect(hangsAfter(slow, nowMs)).toBe(600_500);
    const stopped = new EngineWatch();
    const stoppedMs = wrote(stopped, 3, 30_000);
    stopped.stopping(stoppedMs);
    expect(hangsAfter(stopped, stoppedMs)).toBe(90_500);
  });

  it('before its first piece has minutes, and more for a long prompt', () => {
    const short = new EngineWatch();
    short.asked(0, 0);
    expect(hangsAfter(short, 0)).toBe(300_500);
    const long = new EngineWatch();
    long.asked(0, 10_000);
    expect(hangsAfter(long, 0)).toBe(800_500);
  });

  it('has them again before each piece that something is read for', () => {
    const watch = new EngineWatch();
    expect(hangsAfter(watch, wrote(watch, 20, 30, 10_000))).toBe(800_500);
  });

  it('after it was told to stop has ten seconds', () => {
    const watch = new EngineWatch();
    watch.asked(0, 10_000);
    watch.stopping(5_000);
    expect(hangsAfter(watch, 5_000)).toBe(10_500);
  });

  it('does not hang while nothing is asked of it, or while the computer sleeps', () => {
    const idle = new EngineWatch();
    idle.asked(0, 0);
    idle.came(10);
    expect(hangsAfter(idle, 10)).toBeNull();
    const asleep = new EngineWatch();
    const nowMs = wrote(asleep, 20, 30);
    expect(asleep.hung(nowMs + 3_600_000)).toBe(false);
    asleep.came(nowMs + 3_600_010);
    asleep.asked(nowMs + 3_600_010, 0);
    expect(asleep.hung(nowMs + 3_600_500)).toBe(false);
  });
});
