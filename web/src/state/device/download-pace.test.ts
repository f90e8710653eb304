import { expect, it } from 'vitest';
import { DownloadPace } from './download-pace.ts';

const at = (loadedBytes: number, totalBytes: number | null = 10_000) =>
  ({ phase: 'download', loadedBytes, totalBytes }) as const;

it('says nothing before it can, then speed and time left', () => {
  const pace = new DownloadPace();
  expect(pace.take(at(0), 0)).toMatchObject({ bytesPerSecond: null, secondsLeft: null });
  expect(pace.take(at(100), 100)).toMatchObject({ bytesPerSecond: null });
  expect(pace.take(at(2_000), 1_000)).toMatchObject({ bytesPerSecond: 2_000, secondsLeft: 4 });
});

it('forgets the start of a download that became slow', () => {
  const pace = new DownloadPace();
  pace.take(at(0), 0);
  pace.take(at(5_000), 1_000);
  pace.take(at(5_100), 7_000);
  expect(pace.take(at(5_200), 12_000)).toMatchObject({ bytesPerSecond: 20, secondsLeft: 240 });
});

it('gives no time for an unknown length or a standstill', () => {
  const pace = new DownloadPace();
  pace.take(at(0, null), 0);
  expect(pace.take(at(500, null), 1_000)).toMatchObject({ bytesPerSecond: 500, secondsLeft: null });
  const still = new DownloadPace();
  still.take(at(0), 0);
  expect(still.take(at(0), 3_000)).toMatchObject({ bytesPerSecond: null, secondsLeft: null });
});
