import { describe, expect, it } from 'vitest';
import { restOf, turnsAtMs, type RestTerms } from './rest.ts';

const ANY: RestTerms = { hours: null, onMains: false, whenAway: false, pausedUntilMs: null };
const NIGHT = { fromMinute: 22 * 60, toMinute: 7 * 60 };
const at = (time: string) => new Date(`2026-03-10T${time}`).getTime();
const reading = (time: string, more = {}) => ({ nowMs: at(time), onBattery: null, inUse: null, ...more });

describe('rest', () => {
  it('is not wanted by whoever chose nothing, whatever the computer is like', () => {
    expect(restOf(ANY, reading('12:00', { onBattery: true, inUse: true }))).toBeNull();
  });

  it('lasts until the hours of lending begin, over midnight too', () => {
    const terms = { ...ANY, hours: NIGHT };
    expect(restOf(terms, reading('12:00'))).toEqual({ why: 'hours', untilMs: at('22:00') });
    expect(restOf(terms, reading('07:00'))).toEqual({ why: 'hours', untilMs: at('22:00') });
    expect([restOf(terms, reading('22:00')), restOf(terms, reading('03:00'))]).toEqual([null, null]);
    const day = { ...ANY, hours: { fromMinute: 9 * 60, toMinute: 17 * 60 } };
    expect(restOf(day, reading('18:00'))).toEqual({
      why: 'hours',
      untilMs: new Date('2026-03-11T09:00').getTime(),
    });
  });

  it('is what the owner said last, for as long as they said', () => {
    const terms = { ...ANY, hours: NIGHT, onMains: true, pausedUntilMs: at('13:00') };
    expect(restOf(terms, reading('12:59', { onBattery: true }))).toEqual({ why: 'paused', untilMs: at('13:00') });
    expect(restOf(terms, reading('13:00', { onBattery: true }))?.why).toBe('hours');
    expect(restOf(terms, reading('23:00', { onBattery: true }))).toEqual({ why: 'battery' });
  });

  it('needs a browser that tells: one that does not, lends', () => {
    const terms = { ...ANY, onMains: true, whenAway: true };
    expect(restOf(terms, reading('12:00'))).toBeNull();
    expect(restOf(terms, reading('12:00', { onBattery: false, inUse: true }))).toEqual({ why: 'in-use' });
    expect(restOf(terms, reading('12:00', { onBattery: false, inUse: false }))).toBeNull();
  });
});

describe('the next turn of the clock', () => {
  it('is the nearest of all that its owner chose', () => {
    expect(turnsAtMs(ANY, at('12:00'))).toBeNull();
    expect(turnsAtMs({ ...ANY, hours: NIGHT }, at('12:00'))).toBe(at('22:00'));
    expect(turnsAtMs({ ...ANY, hours: NIGHT, pausedUntilMs: at('14:30') }, at('12:00'))).toBe(at('14:30'));
    // A pause that is over turns nothing.
    expect(turnsAtMs({ ...ANY, pausedUntilMs: at('11:00') }, at('12:00'))).toBeNull();
  });
});
