import { expect, it } from 'vitest';
import { duration, ofBytes, paceWords } from './device-words.ts';

it('says a download as the page does', () => {
  expect(paceWords({ loadedBytes: 2.1e9, totalBytes: 4.9e9, bytesPerSecond: 14.2e6, secondsLeft: 200 })).toBe(
    '2.1 of 4.9 GB, 14.2 MB/s, 3 min 20 s left.',
  );
  const begun = { loadedBytes: 2.1e9, totalBytes: null, bytesPerSecond: null, secondsLeft: null };
  expect(paceWords(begun)).toBe('2.1 GB.');
  const from = { peers: 3, web: true, hereBytes: 0 };
  expect(paceWords({ ...begun, from })).toBe('2.1 GB, from 3 volunteers and the hub.');
  expect(paceWords({ ...begun, from: { ...from, peers: 1, web: false } })).toBe('2.1 GB, from 1 volunteer.');
  const here = { peers: 1, web: false, hereBytes: 1.9e9 };
  expect(paceWords({ ...begun, from: here })).toBe('2.1 GB, from 1 volunteer, 1.9 GB were here already.');
});

it('puts part and whole in one unit', () => {
  expect(ofBytes(4e5, 4.9e9)).toBe('0.0 of 4.9 GB');
  expect(ofBytes(4e5, 4e6)).toBe('0.4 of 4.0 MB');
  expect(ofBytes(400, 4_000)).toBe('0 of 4 kB');
});

it('says how long', () => {
  expect([duration(0.2), duration(59.5), duration(61), duration(7_300)]).toEqual([
    '1 s',
    '1 min 0 s',
    '1 min 1 s',
    '2 h 1 min',
  ]);
});
