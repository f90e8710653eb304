import { describe, expect, it } from 'vitest';
import { duration, ProgressReport } from './progress-report.ts';
import type { Output } from './output.ts';

const MB = 1e6;

/** Collects what would be written, with a clock that is turned by hand. */
function reported(json: boolean, watched: boolean) {
  const lines: { kind: string; text: string }[] = [];
  const time = { now: 0 };
  const output = {
    json,
    watched,
    print: (_: string, data: object) => lines.push({ kind: 'print', text: JSON.stringify(data) }),
    note: (text: string) => lines.push({ kind: 'note', text }),
    live: (text: string) => lines.push({ kind: 'live', text }),
  } as unknown as Output;
  const report = new ProgressReport(output, { now: () => time.now, after: () => () => {} });
  /** Adds a megabyte every 100 ms to `from`. */
  const run = (from: number, seconds: number) => {
    for (let i = 0; i <= seconds * 10; i++) {
      time.now += 100;
      report.show({ phase: 'download', loadedBytes: (from + i) * MB, totalBytes: 1000 * MB });
    }
  };
  return { lines, run };
}

describe('ProgressReport', () => {
  it('tells a person bytes, speed and time left, and counts nothing that was there before', () => {
    const { lines, run } = reported(false, true);
    run(500, 30);
    expect(lines.every(({ kind }) => kind === 'live')).toBe(true);
    expect(lines.at(-1)?.text).toMatch(/80 % {2}800 MB of 1\.0 GB, 10 MB a second, 20 s left$/);
    expect(lines.length).toBeLessThan(160);
  });

  it('writes to a log now and then', () => {
    const { lines, run } = reported(false, false);
    run(0, 70);
    const notes = lines.filter(({ kind }) => kind === 'note');
    expect(notes).toHaveLength(2);
    expect(notes[0]?.text).toContain('10 MB a second');
  });

  it('gives a program numbers once a second', () => {
    const { lines, run } = reported(true, false);
    run(0, 5);
    expect(lines.length).toBeLessThanOrEqual(6);
    expect(JSON.parse(lines.at(-1)?.text ?? '')).toEqual({
      download: { loadedBytes: 50 * MB, totalBytes: 1000 * MB, bytesPerSecond: 10 * MB, secondsLeft: 95 },
    });
  });
});

describe('duration', () => {
  it.each([
    [40, '40 s'],
    [89, '89 s'],
    [91, '2 min'],
    [3600, '60 min'],
    [12_000, '3 h 20 min'],
  ])('%i seconds: %s', (seconds, text) => {
    expect(duration(seconds)).toBe(text);
  });
});
