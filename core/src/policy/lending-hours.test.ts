import { describe, expect, it } from 'vitest';
import { isWithin, minuteOfTime, nextStart, readWhen, timeOfMinute, type HourRange } from './lending-hours.ts';

const ranges = (text: string) => readWhen(text) as readonly HourRange[];
const at = (text: string) => Number(text.slice(0, 2)) * 60 + Number(text.slice(3));

describe('the hours of lending', () => {
  it('reads the words and the ranges', () => {
    expect(readWhen('always')).toBe('always');
    expect(readWhen(' idle ')).toBe('idle');
    expect(readWhen('22:00-07:30, 12:00-13:00')).toEqual([
      { fromMinute: 1320, toMinute: 450 },
      { fromMinute: 720, toMinute: 780 },
    ]);
    expect(readWhen('00:00-24:00')).toEqual([{ fromMinute: 0, toMinute: 1440 }]);
  });

  it.each([
    '',
    'never',
    '22-07',
    '9:00-17:00',
    '24:00-07:00',
    '10:00-24:01',
    '10:60-11:00',
    '10:00-10:00',
    '10:00-11:00,',
  ])('refuses %j', (text) => expect(readWhen(text)).toBeNull());

  it.each([
    ['22:00-07:00', '21:59', false],
    ['22:00-07:00', '22:00', true],
    ['22:00-07:00', '00:00', true],
    ['22:00-07:00', '06:59', true],
    ['22:00-07:00', '07:00', false],
    ['09:00-17:00,20:00-21:00', '20:30', true],
    ['09:00-17:00,20:00-21:00', '17:00', false],
    ['12:00-24:00', '23:59', true],
  ])('%s at %s: %s', (text, time, lent) => expect(isWithin(ranges(text), at(time))).toBe(lent));

  it('says when the next range begins, tomorrow at the latest', () => {
    expect(nextStart(ranges('22:00-07:00,12:30-13:00'), at('08:00'))).toBe('12:30');
    expect(nextStart(ranges('22:00-07:00,12:30-13:00'), at('13:00'))).toBe('22:00');
    expect(nextStart(ranges('06:05-07:00'), at('08:00'))).toBe('06:05');
  });

  it('reads and writes the times of a day', () => {
    expect(['07:30', '00:00', '23:59'].map((text) => timeOfMinute(minuteOfTime(text)!))).toEqual([
      '07:30',
      '00:00',
      '23:59',
    ]);
    expect(['24:01', '7:30', '', '12:60', '25:00'].map(minuteOfTime)).toEqual([null, null, null, null, null]);
    // The end of a day.
    expect([minuteOfTime('24:00'), timeOfMinute(1440)]).toEqual([1440, '00:00']);
  });
});
