import { describe, expect, it } from 'vitest';
import { bytes, counted, seconds, since, speed } from './format.ts';

describe('numbers as the page says them', () => {
  it('have units', () => {
    expect([speed(0.52), speed(9.96), speed(1234.4)]).toEqual(['0.5 tok/s', '10 tok/s', '1,234 tok/s']);
    expect([seconds(312), seconds(4_210), seconds(64_000)]).toEqual(['0.31 s', '4.2 s', '64 s']);
    expect([bytes(999), bytes(3_800_000), bytes(270e6), bytes(4.9e9)]).toEqual(['1 kB', '3.8 MB', '270 MB', '4.9 GB']);
    expect([since(59), since(61), since(7_300), since(172_800)]).toEqual(['59 s', '1 min', '2 h', '2 days']);
  });

  it('agree with their noun', () => {
    expect([counted(1, 'volunteer'), counted(0, 'volunteer'), counted(1_200, 'place')]).toEqual([
      '1 volunteer',
      '0 volunteers',
      '1,200 places',
    ]);
  });
});
