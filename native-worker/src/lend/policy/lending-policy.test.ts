import { describe, expect, it } from 'vitest';
import { readWhen } from '@llmesh/core/policy/lending-hours';
import { LendingPolicy, type LendingWishes } from './lending-policy.ts';
import { UNKNOWN_READING, type MachineReading } from '../../sensors/machine-reading.ts';

const CALM_MS = 60_000;
const NOON = new Date(2026, 5, 1, 12, 0);

/** Tells a policy a reading once a second for some seconds. Returns why it paused at the last one. */
function told(wishes: Partial<LendingWishes> = {}) {
  const policy = new LendingPolicy({ when: 'always', onBattery: false, calmMs: CALM_MS, ...wishes });
  let nowMs = 0;
  return (reading: Partial<MachineReading>, seconds = 1, date = NOON) => {
    let why: string | null = null;
    for (let i = 0; i < seconds; i++) {
      nowMs += 1_000;
      why = policy.look({ ...UNKNOWN_READING, ...reading }, date, nowMs)?.why ?? null;
    }
    return why;
  };
}

describe('the policy of lending', () => {
  it('lends on a machine that reports nothing', () => {
    expect(told({ when: 'idle' })({}, 1_000)).toBeNull();
  });

  it('pauses at once when the computer swaps, and comes back when that was over for a while', () => {
    const at = told();
    expect(at({ swapBytesPerSecond: 1 << 20 }, 100)).toBeNull();
    expect(at({ swapBytesPerSecond: 40 << 20 })).toBe('memory');
    // It is less, but not over.
    expect(at({ swapBytesPerSecond: 1 << 20 }, 1_000)).toBe('memory');
    expect(at({ swapBytesPerSecond: 0 }, 60)).toBe('memory');
    // After one more, the calm counts from the start.
    expect(at({ swapBytesPerSecond: 1 << 20 })).toBe('memory');
    expect(at({ swapBytesPerSecond: 0 }, 60)).toBe('memory');
    expect(at({ swapBytesPerSecond: 0 }, 1)).toBeNull();
  });

  it('pauses when all programs wait for memory', () => {
    const at = told();
    expect(at({ memoryStallShare: 0.09 }, 100)).toBeNull();
    expect(at({ memoryStallShare: 0.1 })).toBe('memory');
    expect(at({ memoryStallShare: 0.05 }, 1_000)).toBe('memory');
    expect(at({ memoryStallShare: 0.01 }, 61)).toBeNull();
  });

  it('takes page faults for trouble when they last, not when a program starts', () => {
    const at = told();
    expect(at({ majorFaultsPerSecond: 5_000 }, 10)).toBeNull();
    expect(at({ majorFaultsPerSecond: 0 })).toBeNull();
    expect(at({ majorFaultsPerSecond: 5_000 }, 10)).toBeNull();
    expect(at({ majorFaultsPerSecond: 5_000 })).toBe('memory');
    expect(at({ majorFaultsPerSecond: 0 }, 61)).toBeNull();
  });

  it('cools down well below what is too hot', () => {
    const at = told();
    expect(at({ headroomCelsius: 5 }, 11)).toBe('hot');
    expect(at({ headroomCelsius: 14 }, 1_000)).toBe('hot');
    expect(at({ headroomCelsius: 20 }, 61)).toBeNull();
    expect(at({ throttled: true }, 11)).toBe('hot');
    expect(at({ throttled: false }, 61)).toBeNull();
  });

  it('pauses on battery, unless its owner wants it otherwise', () => {
    const at = told();
    expect(at({ onBattery: true })).toBe('battery');
    expect(at({ onBattery: false }, 60)).toBe('battery');
    expect(at({ onBattery: false })).toBeNull();
    expect(told({ onBattery: true })({ onBattery: true }, 100)).toBeNull();
  });

  it('idle: pauses while somebody types, and until five minutes after', () => {
    const at = told({ when: 'idle' });
    expect(at({ ownerIdleMs: 0 })).toBe('in_use');
    expect(at({ ownerIdleMs: 299_000 })).toBe('in_use');
    expect(at({ ownerIdleMs: 300_000 })).toBeNull();
    expect(told()({ ownerIdleMs: 0, othersCpuShare: 1 }, 100)).toBeNull();
  });

  it('idle: pauses while other programs work, not for a moment of work', () => {
    const at = told({ when: 'idle' });
    expect(at({ othersCpuShare: 0.9 }, 10)).toBeNull();
    expect(at({ othersCpuShare: 0.9 })).toBe('busy');
    expect(at({ othersCpuShare: 0.2 }, 1_000)).toBe('busy');
    expect(at({ othersCpuShare: 0.1 }, 61)).toBeNull();
  });

  it('hours: lends in them and says when it will again', () => {
    const when = readWhen('22:00-07:00')!;
    const policy = new LendingPolicy({ when, onBattery: false, calmMs: CALM_MS });
    const pause = policy.look(UNKNOWN_READING, NOON, 0);
    expect(pause).toEqual({ why: 'hours', words: 'These are not its hours. Lending continues at 22:00.' });
    expect(policy.look(UNKNOWN_READING, new Date(2026, 5, 1, 22, 0), 1_000)).toBeNull();
    expect(policy.look(UNKNOWN_READING, new Date(2026, 5, 2, 7, 0), 2_000)?.why).toBe('hours');
  });

  it('names the gravest of several reasons, and then the next when that is over', () => {
    const at = told({ when: readWhen('22:00-07:00')! });
    expect(at({ swapBytesPerSecond: 40 << 20, onBattery: true })).toBe('memory');
    expect(at({ swapBytesPerSecond: 0, onBattery: true }, 61)).toBe('battery');
    expect(at({ onBattery: false }, 61)).toBe('hours');
  });

  it('does not stay away for a sensor that is gone', () => {
    const at = told();
    expect(at({ headroomCelsius: 0 }, 11)).toBe('hot');
    expect(at({}, 61)).toBeNull();
  });
});
