import type { Probe } from '@llmesh/core/policy/catalogue';
import { describe, expect, it } from 'vitest';
import { energyWords, minuteOfTime, restWords, timeOfMinute } from './rest-words.ts';

const NOON = new Date('2026-03-10T12:00').getTime();
const at = (time: string) => new Date(time).getTime();

describe('the words for a rest', () => {
  it('say why, and when it ends', () => {
    expect(restWords({ why: 'paused', untilMs: at('2026-03-10T14:30') }, NOON)).toBe('Paused by you until 14:30.');
    expect(restWords({ why: 'paused', untilMs: at('2026-03-11T08:00') }, NOON)).toContain('08:00 tomorrow');
    expect(restWords({ why: 'hours', untilMs: at('2026-03-13T22:00') }, NOON)).toContain('22:00 on Friday');
  });

  it('read and write the times of a day', () => {
    expect(['07:30', '00:00', '23:59'].map((text) => timeOfMinute(minuteOfTime(text)!))).toEqual([
      '07:30',
      '00:00',
      '23:59',
    ]);
    expect(['24:00', '7:30', '', '12:60'].map(minuteOfTime)).toEqual([null, null, null, null]);
    // The end of a day.
    expect(timeOfMinute(1440)).toBe('00:00');
  });
});

describe('the guess at its power', () => {
  const probe = { backend: 'webgpu', device: 'NVIDIA GeForce RTX 4070', software: false } as Probe;

  it('says that it is one, and is larger for a card with memory of its own', () => {
    expect(energyWords(probe, 0)).toMatch(/^A guess.*80 to 300 watts.*cannot measure/);
    expect(energyWords({ ...probe, device: 'Radeon 780M' }, 0)).toContain('10 to 40 watts');
    // An emulated card is the processor.
    expect(energyWords({ ...probe, software: true }, 0)).toContain('10 to 50 watts');
  });

  it('adds up the time of today', () => {
    expect(energyWords(probe, 30 * 60_000)).toContain('30 minutes today');
    expect(energyWords(probe, 30 * 60_000)).toContain('40 to 150 watt-hours');
    expect(energyWords(probe, 10 * 3_600_000)).toContain('0.8 to 3.0 kilowatt-hours');
    expect(energyWords(probe, 1_000)).toContain('less than 1 watt-hour');
  });
});
